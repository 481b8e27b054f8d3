import type { Coordinates } from '../../../core/errors.js'
import { type Header, type Headers, type LogRecord, NO_HEADERS } from '../../../core/record.js'
import { corruptBatch } from './corrupt.js'
import type { BatchHeader } from './decode-batches.js'
import { MIN_RECORD_BYTES } from './record-batch.js'
import { type Cursor, readSigned64, readSigned64Exactly, readUnsigned32, unzigzag32 } from './varint.js'

/**
 * Keys and values are parts of copies of this many bytes, not of the answer. Whoever keeps a value (a store in memory, a
 * queue) would otherwise keep all of an answer's megabytes alive, and a limit on what is kept would mean nothing; a copy
 * for each value costs more than the copying. A record that is larger has a copy of its own.
 */
const COPY_BYTES = 64 * 1024
/** Sums of smaller numbers are exact. */
const EXACT = 2 ** 51

/**
 * Appends to `into` the records of a batch from offset `from` on. They lie in `bytes` from `start` up to `end`, after
 * decompression.
 */
export function decodeRecords(
  bytes: Buffer,
  start: number,
  end: number,
  batch: BatchHeader,
  from: number,
  into: LogRecord[],
  place: Coordinates,
): void {
  const { baseOffset, lastOffsetDelta, baseTimestamp, logAppendTime, count } = batch
  const plainTime = Math.abs(baseTimestamp) < EXACT
  const names = createNames()
  const cursor: Cursor = { at: start }
  let copy = bytes
  let copyStart = 0
  let copyEnd = -1
  let previous = -1
  for (let i = 0; i < count; i++) {
    const size = unzigzag32(readLength(bytes, cursor, end, place))
    const recordStart = cursor.at
    const recordEnd = recordStart + size
    if (size < MIN_RECORD_BYTES - 1 || recordEnd > end)
      throw corruptBatch(`record ${i} has ${size} bytes`, place)
    cursor.at = recordStart + 1
    const timestamp = readTimestamp(bytes, cursor, recordEnd, baseTimestamp, plainTime)
    if (timestamp === undefined) throw corruptBatch(`record ${i} has no timestamp`, place)
    const delta = unzigzag32(readLength(bytes, cursor, recordEnd, place))
    if (delta <= previous || delta > lastOffsetDelta) {
      throw corruptBatch(`record ${i} has offset ${baseOffset + delta}`, place)
    }
    previous = delta
    const wanted = baseOffset + delta >= from
    if (wanted && recordEnd > copyEnd) {
      copyStart = recordStart
      copyEnd = Math.max(recordEnd, Math.min(end, recordStart + COPY_BYTES))
      copy = Buffer.allocUnsafe(copyEnd - copyStart)
      bytes.copy(copy, 0, copyStart, copyEnd)
    }
    const keyLength = unzigzag32(readLength(bytes, cursor, recordEnd, place))
    const keyStart = cursor.at
    const keyEnd = keyLength > 0 ? keyStart + keyLength : keyStart
    if (keyEnd > recordEnd) throw corruptBatch(`the key of record ${i} has ${keyLength} bytes`, place)
    cursor.at = keyEnd
    const valueLength = unzigzag32(readLength(bytes, cursor, recordEnd, place))
    const valueStart = cursor.at
    const valueEnd = valueLength > 0 ? valueStart + valueLength : valueStart
    if (valueEnd > recordEnd) throw corruptBatch(`the value of record ${i} has ${valueLength} bytes`, place)
    cursor.at = valueEnd
    const headerCount = unzigzag32(readLength(bytes, cursor, recordEnd, place))
    let headers: Headers = NO_HEADERS
    if (headerCount !== 0) {
      // Each has two lengths at least.
      if (headerCount < 0 || headerCount > (recordEnd - cursor.at) / 2) {
        throw corruptBatch(`record ${i} has ${headerCount} headers`, place)
      }
      headers = readHeaders(
        bytes,
        cursor,
        recordEnd,
        headerCount,
        copy,
        wanted ? copyStart : -1,
        names,
        place,
      )
    }
    if (cursor.at !== recordEnd) throw corruptBatch(`record ${i} does not end where it says`, place)
    if (!wanted) continue
    into.push({
      offset: baseOffset + delta,
      timestamp: logAppendTime ? batch.maxTimestamp : timestamp,
      key: keyLength < 0 ? undefined : copy.subarray(keyStart - copyStart, keyEnd - copyStart),
      value: valueLength < 0 ? undefined : copy.subarray(valueStart - copyStart, valueEnd - copyStart),
      headers,
    })
  }
  if (cursor.at !== end) throw corruptBatch(`${end - cursor.at} bytes follow its records`, place)
}

function readLength(bytes: Buffer, cursor: Cursor, end: number, place: Coordinates): number {
  const value = readUnsigned32(bytes, cursor, end)
  if (value < 0) throw corruptBatch('a number in it does not end', place)
  return value
}

/** The sum is one of 64-bit integers, which goes round; only what is out of any calendar gets there. */
function readTimestamp(
  bytes: Buffer,
  cursor: Cursor,
  end: number,
  baseTimestamp: number,
  plainTime: boolean,
): number | undefined {
  const start = cursor.at
  const delta = readSigned64(bytes, cursor, end)
  if (delta === undefined || (plainTime && Math.abs(delta) < EXACT)) {
    return delta === undefined ? undefined : baseTimestamp + delta
  }
  cursor.at = start
  const exact = readSigned64Exactly(bytes, cursor, end)
  return exact === undefined ? undefined : Number(BigInt.asIntN(64, BigInt(baseTimestamp) + exact))
}

function readHeaders(
  bytes: Buffer,
  cursor: Cursor,
  end: number,
  count: number,
  copy: Buffer,
  copyStart: number,
  names: Names,
  place: Coordinates,
): Headers {
  const headers: Header[] = []
  for (let i = 0; i < count; i++) {
    const nameLength = unzigzag32(readLength(bytes, cursor, end, place))
    const nameStart = cursor.at
    if (nameLength < 0 || nameLength > end - nameStart) {
      throw corruptBatch(`a header name has ${nameLength} bytes`, place)
    }
    cursor.at = nameStart + nameLength
    const valueLength = unzigzag32(readLength(bytes, cursor, end, place))
    const valueStart = cursor.at
    const valueEnd = valueLength > 0 ? valueStart + valueLength : valueStart
    if (valueEnd > end) throw corruptBatch(`a header value has ${valueLength} bytes`, place)
    cursor.at = valueEnd
    if (copyStart < 0) continue
    headers.push({
      key: names.read(i, bytes, nameStart, nameStart + nameLength),
      value: valueLength < 0 ? undefined : copy.subarray(valueStart - copyStart, valueEnd - copyStart),
    })
  }
  return headers
}

interface Names {
  /** The name in `bytes[start, end)` of a record's header number `index`. */
  read(index: number, bytes: Buffer, start: number, end: number): string
}

/** The records of a batch mostly have the same headers in the same order, so a name is compared before it is decoded. */
function createNames(): Names {
  const texts: string[] = []
  const encoded: Buffer[] = []
  return {
    read(index, bytes, start, end) {
      const known = encoded[index]
      if (known !== undefined && known.length === end - start) {
        let i = 0
        while (i < known.length && known[i] === bytes[start + i]) i++
        if (i === known.length) return texts[index]!
      }
      const text = bytes.toString('utf8', start, end)
      if (index < 64) {
        texts[index] = text
        encoded[index] = Buffer.from(bytes.subarray(start, end))
      }
      return text
    },
  }
}
