import { crc32 } from 'node:zlib'
import { assert } from '../../core/assert.js'
import type { Headers } from '../../core/record.js'
import { recordBytes } from '../record-size.js'
import { MAX_VARINT_BYTES, writeVarint } from './varint.js'

/**
 * Records as the log stores them, many to a row, because a row costs a B-tree insertion and a record should not.
 *
 *      0  u8   format, 1
 *      1  u32  CRC-32 of all that follows
 *      5  u8   flags: 1 offsets have gaps, 2 some record has headers, 4 some record is a tombstone
 *      6  u32  number of records
 *     10  f64  offset of the first record
 *     18  f64  offset of the last record
 *     26  f64  timestamp of the first record
 *     34  f64  greatest timestamp
 *     42  f64  wall time from which compaction may drop the tombstones; 0: not decided yet
 *     50  u32  where the header names begin; with flag 2, else 0
 *     54  records, one after the other:
 *           varint  offset minus the previous offset, minus 1                    with flag 1
 *           varint  timestamp minus the first timestamp, zigzag
 *           varint  0: no key, else length of the key plus 1
 *           varint  0: no value (a tombstone), else length of the value plus 1
 *           varint  number of headers, each: varint index of its name, varint as for a value, bytes   with flag 2
 *           key bytes, value bytes
 *      …  header names: varint how many, each: varint length, UTF-8              with flag 2
 *
 * Numbers are big-endian, varints little-endian base 128. Absent and empty keys and values stay distinct, header
 * names may repeat and keep their order, and each name is written once however many records carry it.
 */
export const FORMAT = 1
export const HEADER_BYTES = 54
export const FLAG_GAPS = 1
export const FLAG_HEADERS = 2
export const FLAG_TOMBSTONES = 4
export const AT = Object.freeze({
  checksum: 1,
  checksummed: 5,
  flags: 5,
  count: 6,
  baseOffset: 10,
  lastOffset: 18,
  baseTimestamp: 26,
  maxTimestamp: 34,
  deleteHorizon: 42,
  names: 50,
})

/** A batch ends at whichever comes first, so that a fetch in the middle of one decodes little in vain. */
export const MAX_BATCH_RECORDS = 1_000
export const TARGET_BATCH_BYTES = 128 * 1024
/** So that twice a difference of timestamps is still a safe integer. */
const MAX_TIME_DELTA = 2 ** 51

export interface Encodable {
  readonly timestamp: number
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly headers: Headers
}

/** New records are numbered from a first offset; those that compaction keeps have their offsets already. */
export type Numbering =
  | { readonly baseOffset: number }
  | { readonly offsets: readonly number[]; readonly deleteHorizon: number }

export interface EncodedBatch {
  /** Belongs to the encoder and holds until the next batch is encoded. */
  readonly bytes: Buffer
  /** How many of the records are in it. */
  readonly count: number
}

export interface BatchEncoder {
  /** Encodes as many of `records`, from index `from`, as belong into one batch; at least one. */
  encode(records: readonly Encodable[], from: number, numbering: Numbering): EncodedBatch
}

export function createBatchEncoder(): BatchEncoder {
  let scratch = Buffer.allocUnsafeSlow(2 * TARGET_BATCH_BYTES)

  const grow = (needed: number): void => {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * scratch.length))
    scratch.copy(larger)
    scratch = larger
  }

  return {
    encode(records, from, numbering) {
      const end = batchEnd(records, from)
      const offsets = 'offsets' in numbering ? numbering.offsets : undefined
      const baseOffset = 'offsets' in numbering ? numbering.offsets[from]! : numbering.baseOffset
      const deleteHorizon = 'offsets' in numbering ? numbering.deleteHorizon : 0
      const gaps = offsets !== undefined && offsets[end - 1] !== baseOffset + (end - 1 - from)
      const flags = flagsOf(records, from, end) | (gaps ? FLAG_GAPS : 0)
      const names = new Map<string, number>()
      const baseTimestamp = records[from]!.timestamp
      let maxTimestamp = baseTimestamp
      let lastOffset = baseOffset - 1
      let at = HEADER_BYTES
      for (let i = from; i < end; i++) {
        const record = records[i]!
        const { key, value, timestamp, headers } = record
        const bound = recordBytes(record) + (5 + 2 * headers.length) * MAX_VARINT_BYTES
        if (at + bound > scratch.length) grow(at + bound)
        const offset = offsets === undefined ? lastOffset + 1 : offsets[i]!
        if (gaps) at = writeVarint(scratch, at, offset - lastOffset - 1)
        lastOffset = offset
        if (timestamp > maxTimestamp) maxTimestamp = timestamp
        const delta = timestamp - baseTimestamp
        at = writeVarint(scratch, at, delta < 0 ? -2 * delta - 1 : 2 * delta)
        at = writeVarint(scratch, at, key === undefined ? 0 : key.length + 1)
        at = writeVarint(scratch, at, value === undefined ? 0 : value.length + 1)
        if ((flags & FLAG_HEADERS) !== 0) at = writeHeaders(scratch, at, headers, names)
        if (key !== undefined) at = writeBytes(scratch, at, key)
        if (value !== undefined) at = writeBytes(scratch, at, value)
      }
      let namesAt = 0
      if (names.size > 0) {
        namesAt = at
        let bound = MAX_VARINT_BYTES
        for (const name of names.keys()) bound += MAX_VARINT_BYTES + 3 * name.length
        if (at + bound > scratch.length) grow(at + bound)
        at = writeNames(scratch, at, names)
      }
      scratch[0] = FORMAT
      scratch[AT.flags] = flags
      scratch.writeUInt32BE(end - from, AT.count)
      scratch.writeDoubleBE(baseOffset, AT.baseOffset)
      scratch.writeDoubleBE(lastOffset, AT.lastOffset)
      scratch.writeDoubleBE(baseTimestamp, AT.baseTimestamp)
      scratch.writeDoubleBE(maxTimestamp, AT.maxTimestamp)
      scratch.writeDoubleBE(deleteHorizon, AT.deleteHorizon)
      scratch.writeUInt32BE(namesAt, AT.names)
      const bytes = scratch.subarray(0, at)
      bytes.writeUInt32BE(crc32(bytes.subarray(AT.checksummed)), AT.checksum)
      return { bytes, count: end - from }
    },
  }
}

function batchEnd(records: readonly Encodable[], from: number): number {
  assert(from < records.length, 'a batch has records')
  const first = records[from]!.timestamp
  const limit = Math.min(records.length, from + MAX_BATCH_RECORDS)
  let bytes = recordBytes(records[from]!)
  let end = from + 1
  for (; end < limit; end++) {
    const record = records[end]!
    bytes += recordBytes(record)
    if (bytes > TARGET_BATCH_BYTES || Math.abs(record.timestamp - first) >= MAX_TIME_DELTA) break
  }
  return end
}

function flagsOf(records: readonly Encodable[], from: number, end: number): number {
  let flags = 0
  for (let i = from; i < end; i++) {
    const { headers, value } = records[i]!
    if (headers.length > 0) flags |= FLAG_HEADERS
    if (value === undefined) flags |= FLAG_TOMBSTONES
  }
  return flags
}

function writeHeaders(into: Buffer, start: number, headers: Headers, names: Map<string, number>): number {
  let at = writeVarint(into, start, headers.length)
  for (const { key, value } of headers) {
    let index = names.get(key)
    if (index === undefined) {
      index = names.size
      names.set(key, index)
    }
    at = writeVarint(into, at, index)
    at = writeVarint(into, at, value === undefined ? 0 : value.length + 1)
    if (value !== undefined) at = writeBytes(into, at, value)
  }
  return at
}

function writeNames(into: Buffer, start: number, names: ReadonlyMap<string, number>): number {
  let at = writeVarint(into, start, names.size)
  for (const name of names.keys()) {
    const length = Buffer.byteLength(name)
    at = writeVarint(into, at, length)
    at += into.write(name, at, length, 'utf8')
  }
  return at
}

/** Copying byte by byte beats the call into the engine for what keys usually are. */
function writeBytes(into: Buffer, at: number, bytes: Buffer): number {
  const length = bytes.length
  if (length > 24) into.set(bytes, at)
  else for (let i = 0; i < length; i++) into[at + i] = bytes[i]!
  return at + length
}
