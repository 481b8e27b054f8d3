import { crc32 } from 'node:zlib'
import { RevlogError } from '../../core/errors.js'
import { type Header, type Headers, type LogRecord, NO_HEADERS } from '../../core/record.js'
import { AT, FLAG_GAPS, FLAG_HEADERS, FLAG_TOMBSTONES, FORMAT, HEADER_BYTES } from './batch.js'

/** What a batch says about itself without decoding its records. */
export interface BatchInfo {
  readonly count: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly hasTombstones: boolean
  /** Wall time from which its tombstones may go; 0: compaction has not seen them yet. */
  readonly deleteHorizon: number
}

/** @throws RevlogError `E_LOG_CORRUPT` when the bytes are not those that were written. */
export function batchInfo(bytes: Buffer): BatchInfo {
  if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) {
    throw corrupt(`a batch of ${bytes.length} bytes has no header of format ${FORMAT}`)
  }
  if (crc32(bytes.subarray(AT.checksummed)) !== bytes.readUInt32BE(AT.checksum)) {
    throw corrupt('the checksum of a batch does not match its bytes')
  }
  return {
    count: bytes.readUInt32BE(AT.count),
    baseOffset: bytes.readDoubleBE(AT.baseOffset),
    lastOffset: bytes.readDoubleBE(AT.lastOffset),
    maxTimestamp: bytes.readDoubleBE(AT.maxTimestamp),
    hasTombstones: (bytes[AT.flags]! & FLAG_TOMBSTONES) !== 0,
    deleteHorizon: bytes.readDoubleBE(AT.deleteHorizon),
  }
}

/** What remains of a fetch's limits. */
export interface Budget {
  records: number
  bytes: number
}

/**
 * Appends to `into` the records from `offset` on, as long as the budget lasts; says whether it reached the end.
 * Keys and values are parts of `bytes`, not copies: the caller owns `bytes` and hands it over. Call
 * {@link batchInfo} first, which checks it.
 */
export function decodeBatch(bytes: Buffer, offset: number, into: LogRecord[], budget: Budget): boolean {
  const flags = bytes[AT.flags]!
  const count = bytes.readUInt32BE(AT.count)
  const baseTimestamp = bytes.readDoubleBE(AT.baseTimestamp)
  const gaps = (flags & FLAG_GAPS) !== 0
  const names = (flags & FLAG_HEADERS) !== 0 ? readNames(bytes) : undefined
  const at = { value: HEADER_BYTES }
  let next = bytes.readDoubleBE(AT.baseOffset)

  for (let i = 0; i < count; i++) {
    const recordOffset = gaps ? next + readVarint(bytes, at) : next
    next = recordOffset + 1
    const zigzag = readVarint(bytes, at)
    const keyLength = readVarint(bytes, at)
    const valueLength = readVarint(bytes, at)
    const start = at.value
    const headers = names === undefined ? NO_HEADERS : readHeaders(bytes, at, names)
    const keyAt = at.value
    const valueAt = keyLength === 0 ? keyAt : keyAt + keyLength - 1
    const end = valueLength === 0 ? valueAt : valueAt + valueLength - 1
    if (!(end <= bytes.length)) throw corrupt('a record reaches beyond its batch')
    at.value = end
    if (recordOffset < offset) continue
    const size = end - start
    if (budget.records <= 0 || (size > budget.bytes && into.length > 0)) return false
    budget.records -= 1
    budget.bytes -= size
    into.push({
      offset: recordOffset,
      timestamp: baseTimestamp + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2),
      key: keyLength === 0 ? undefined : bytes.subarray(keyAt, valueAt),
      value: valueLength === 0 ? undefined : bytes.subarray(valueAt, end),
      headers,
    })
  }
  return true
}

function readNames(bytes: Buffer): readonly string[] {
  const at = { value: bytes.readUInt32BE(AT.names) }
  const count = readVarint(bytes, at)
  const names: string[] = []
  for (let i = 0; i < count; i++) {
    const length = readVarint(bytes, at)
    names.push(bytes.toString('utf8', at.value, at.value + length))
    at.value += length
  }
  return names
}

function readHeaders(bytes: Buffer, at: { value: number }, names: readonly string[]): Headers {
  const count = readVarint(bytes, at)
  if (count === 0) return NO_HEADERS
  const headers: Header[] = []
  for (let i = 0; i < count; i++) {
    const key = names[readVarint(bytes, at)]!
    const length = readVarint(bytes, at)
    const start = at.value
    if (length > 0) at.value += length - 1
    headers.push({ key, value: length === 0 ? undefined : bytes.subarray(start, at.value) })
  }
  return headers
}

function readVarint(bytes: Buffer, at: { value: number }): number {
  let byte = bytes[at.value++]!
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  let scale = 0x80
  do {
    byte = bytes[at.value++]!
    value += (byte & 0x7f) * scale
    scale *= 0x80
  } while (byte >= 0x80)
  return value
}

const corrupt = (problem: string): RevlogError =>
  new RevlogError('E_LOG_CORRUPT', problem, {
    remedy: 'the disk or another program has changed the file: restore the directory from a backup',
  })
