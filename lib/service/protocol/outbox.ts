import { type BinaryKey, timeKey, timeOfKey } from '../../core/binary-key.js'
import { outboxHeader } from '../../core/outbox-header.js'
import { createPageReader, createPageWriter } from '../../core/page.js'
import { type Header, NO_HEADERS, type ProducerRecord } from '../../core/record.js'
import type { StateBackend, StoreWrites, Write } from '../../state/port.js'

/**
 * What a task sends to repartition topics, where the next task would count a repeated record twice. So it is first
 * made a part of the task's state, numbered, and sent only when that is certain; after a crash what may not have
 * been sent is sent again, byte for byte the same, and the receiver knows by its number what it has had.
 */
export interface Outbox {
  /** The rows that make these records, whose partitions are known, certain; and what was sent is taken out. */
  readonly put: (records: readonly ProducerRecord[]) => readonly StoreWrites[]
  /** What has become certain and was not sent yet, in the order of its numbers. */
  readonly waiting: () => readonly ProducerRecord[]
  /** Everything that was waiting is acknowledged. */
  readonly sent: () => void
}

export const OUTBOX_STORE = '#outbox'
/** A row holds the records of one commit, or a part of them: a changelog record must not get too large. */
const ROW_BYTES = 256 << 10
const NEXT: BinaryKey = 'n'
const ROW = 'r'

/** Whether the state has ever had one. */
export const hasOutbox = (state: StateBackend): boolean => state.rows(OUTBOX_STORE).get(NEXT) !== undefined

/** @param sender names the task, in every life that it has */
export function createOutbox(state: StateBackend, sender: string): Outbox {
  const rows = state.rows(OUTBOX_STORE)
  const stored = rows.get(NEXT)
  let next = stored === undefined ? 0 : timeOfKey(stored.toString('latin1'))
  let waiting: ProducerRecord[] = []
  let waitingRows: BinaryKey[] = []
  let sentRows: BinaryKey[] = []
  const writer = createPageWriter()

  for (const { key, value } of rows.scan({ from: ROW, limit: Number.MAX_SAFE_INTEGER })) {
    waitingRows.push(key)
    waiting.push(...decodeRow(value, sender, timeOfKey(key, 1)))
  }

  return {
    put(records) {
      const writes: Write[] = []
      let bytes = 0
      let first = next
      const endRow = (): void => {
        if (next === first) return
        const key = `${ROW}${timeKey(first)}`
        writes.push({ key, value: writer.finish() })
        waitingRows.push(key)
        first = next
        bytes = 0
      }
      for (const record of records) {
        bytes += encodeRecord(writer, record)
        waiting.push(numbered(record, sender, next++))
        if (bytes >= ROW_BYTES) endRow()
      }
      endRow()
      if (records.length > 0) writes.push({ key: NEXT, value: Buffer.from(timeKey(next), 'latin1') })
      for (const key of sentRows) writes.push({ key, value: undefined })
      sentRows = []
      writes.sort((a, b) => (a.key < b.key ? -1 : 1))
      return writes.length === 0 ? [] : [{ store: OUTBOX_STORE, writes }]
    },
    waiting: () => waiting,
    sent() {
      sentRows.push(...waitingRows)
      waitingRows = []
      waiting = []
    },
  }
}

const numbered = (record: ProducerRecord, sender: string, sequence: number): ProducerRecord => ({
  ...record,
  headers: [...record.headers, outboxHeader(sender, sequence)],
})

/** Says about how long it is. */
function encodeRecord(
  page: ReturnType<typeof createPageWriter>,
  { topic, partition, key, value, timestamp, headers }: ProducerRecord,
): number {
  page.bytes(Buffer.from(topic))
  page.varint(partition!)
  encodeMaybe(page, key)
  encodeMaybe(page, value)
  page.time(timestamp)
  page.varint(headers.length)
  let bytes = topic.length + (key?.length ?? 0) + (value?.length ?? 0) + 16
  for (const header of headers) {
    page.bytes(Buffer.from(header.key))
    encodeMaybe(page, header.value)
    bytes += header.key.length + (header.value?.length ?? 0) + 4
  }
  return bytes
}

function encodeMaybe(page: ReturnType<typeof createPageWriter>, bytes: Buffer | undefined): void {
  page.u8(bytes === undefined ? 0 : 1)
  if (bytes !== undefined) page.bytes(bytes)
}

function decodeRow(row: Buffer, sender: string, first: number): ProducerRecord[] {
  const page = createPageReader()
  page.open(row)
  const maybe = (): Buffer | undefined => (page.u8() === 0 ? undefined : page.bytes())
  const records: ProducerRecord[] = []
  while (!page.done()) {
    const topic = page.bytes().toString()
    const partition = page.varint()
    const key = maybe()
    const value = maybe()
    const timestamp = page.time()
    const count = page.varint()
    const headers: readonly Header[] =
      count === 0
        ? NO_HEADERS
        : Array.from({ length: count }, () => ({ key: page.bytes().toString(), value: maybe() }))
    const record = { topic, partition, key, value, timestamp, headers }
    records.push(numbered(record, sender, first + records.length))
  }
  return records
}
