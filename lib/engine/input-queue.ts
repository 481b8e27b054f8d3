import type { LogRecord, Record } from '../core/record.js'

/** A record that was decoded: what the queue's head is. */
export interface Head {
  readonly record: Record<unknown, unknown>
  readonly raw: LogRecord
  /**
   * Why the task has to stop here, when the record cannot be decoded and the policy is `fail`. It stops when the
   * record's turn comes and not when it is decoded, or the good record before it could never be committed.
   */
  readonly failure: unknown
}

/**
 * One input partition's records, in offset order. Only the head is decoded, because only its event time is
 * compared with the heads of the other inputs.
 */
export interface InputQueue {
  readonly topic: string
  /** The next offset to be processed; `undefined` until the task was told where to start. */
  readonly position: number | undefined
  /** Records that wait, the head included. */
  readonly size: number
  readonly head: Head | undefined
  /** The wall-clock time until which an empty queue is waited for; `undefined` while it is not waited for. */
  idleUntil: number | undefined
  /** Whether the log is known to hold records that were not added yet; `undefined` when nothing is known. */
  behind(): boolean | undefined
  seek(position: number): void
  /** `endOffset` is the log's end when `records` were fetched, where it is known. */
  add(records: readonly LogRecord[], endOffset: number | undefined): void
  /** Takes the head away. */
  shift(): void
}

/**
 * @param decode turns a raw record into a head, or says `undefined` after having dropped it by policy.
 */
export function createInputQueue(topic: string, decode: (raw: LogRecord) => Head | undefined): InputQueue {
  let records: readonly LogRecord[] = []
  let at = 0
  const later: (readonly LogRecord[])[] = []
  let waiting = 0
  let position: number | undefined
  let fetched: number | undefined
  let end: number | undefined
  let head: Head | undefined

  /** Makes the next record that can be decoded the head; what is dropped on the way counts as processed. */
  function advance(): void {
    head = undefined
    while (head === undefined) {
      if (at === records.length) {
        const next = later.shift()
        if (next === undefined) {
          records = []
          at = 0
          return
        }
        records = next
        at = 0
        continue
      }
      const raw = records[at]!
      at++
      head = decode(raw)
      if (head === undefined) {
        waiting--
        position = raw.offset + 1
      }
    }
  }

  return {
    topic,
    idleUntil: undefined,
    get position() {
      return position
    },
    get size() {
      return waiting
    },
    get head() {
      return head
    },
    behind: () => (end === undefined ? undefined : end > (fetched ?? 0)),
    seek(to) {
      position = to
      fetched = to
    },
    add(added, endOffset) {
      if (endOffset !== undefined) end = endOffset
      const last = added[added.length - 1]
      if (last === undefined) return
      fetched = last.offset + 1
      waiting += added.length
      later.push(added)
      if (head === undefined) advance()
    },
    shift() {
      position = head!.raw.offset + 1
      waiting--
      advance()
    },
  }
}
