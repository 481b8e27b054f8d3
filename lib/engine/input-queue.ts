import { type LogRecord, NO_HEADERS, type Record } from '../core/record.js'

/**
 * One input partition's records, in offset order. Only the head is decoded, because only its event time is
 * compared with the heads of the other inputs. What it says of itself are plain properties, which it changes: each
 * is read several times a record, and getters that are closures cost ten times as much.
 */
export interface InputQueue {
  readonly topic: string
  /** The next offset to be processed; `undefined` until the task was told where to start. */
  readonly position: number | undefined
  /** Records that wait, the head included. */
  readonly size: number
  /** The next record, decoded. */
  readonly head: Record<unknown, unknown> | undefined
  /** What the head was decoded from. */
  readonly raw: LogRecord | undefined
  /**
   * Why the task has to stop here, when the head cannot be decoded and the policy is `fail`. It stops when the
   * record's turn comes and not when it is decoded, or the good record before it could never be committed.
   */
  readonly failure: unknown
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

/** Its time is less than that of any record, so that the task meets it next. */
const UNREADABLE: Record<unknown, unknown> = Object.freeze({
  key: undefined,
  value: undefined,
  timestamp: -1,
  headers: NO_HEADERS,
})

const NOTHING: readonly LogRecord[] = []

/**
 * @param decode turns a raw record into one with event time, or says `undefined` after having dropped it by policy;
 * throws when the policy is `fail`.
 * @param admit says `undefined` for a record to pass over, and what is to be decoded of another; all as they are when
 * absent.
 */
export function createInputQueue(
  topic: string,
  decode: (raw: LogRecord) => Record<unknown, unknown> | undefined,
  admit?: (raw: LogRecord) => LogRecord | undefined,
): InputQueue {
  let records = NOTHING
  let at = 0
  const later: (readonly LogRecord[])[] = []
  let fetched: number | undefined
  let end: number | undefined

  /** Makes the next record that can be decoded the head; what is dropped on the way counts as processed. */
  function advance(): void {
    queue.head = undefined
    while (queue.head === undefined) {
      if (at === records.length) {
        records = later.length === 0 ? NOTHING : later.shift()!
        at = 0
        if (records !== NOTHING) continue
        queue.raw = undefined
        return
      }
      const found = records[at]!
      at++
      const raw = admit === undefined ? found : admit(found)
      try {
        if (raw !== undefined) queue.head = decode(raw)
      } catch (thrown) {
        queue.head = UNREADABLE
        queue.failure = thrown
      }
      queue.raw = raw
      if (queue.head === undefined) {
        queue.size--
        queue.position = found.offset + 1
      }
    }
  }

  const queue: { -readonly [K in keyof InputQueue]: InputQueue[K] } = {
    topic,
    position: undefined,
    size: 0,
    head: undefined,
    raw: undefined,
    failure: undefined,
    idleUntil: undefined,
    behind: () => (end === undefined ? undefined : end > (fetched ?? 0)),
    seek(to) {
      queue.position = to
      fetched = to
    },
    add(added, endOffset) {
      if (endOffset !== undefined) end = endOffset
      const last = added[added.length - 1]
      if (last === undefined) return
      fetched = last.offset + 1
      queue.size += added.length
      if (queue.head !== undefined) {
        later.push(added)
        return
      }
      records = added
      at = 0
      advance()
    },
    shift() {
      queue.position = queue.raw!.offset + 1
      queue.size--
      advance()
    },
  }
  return queue
}
