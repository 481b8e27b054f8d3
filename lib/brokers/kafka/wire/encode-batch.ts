import { RevlogError } from '../../../core/errors.js'
import type { Headers } from '../../../core/record.js'
import { type CompressionType, compress } from './compress.js'
import { crc32c } from './crc32c.js'
import { writeInt64 } from './int64.js'
import { AT, BATCH_HEADER_BYTES, CODECS, LENGTH_END, MAGIC, TRANSACTIONAL } from './record-batch.js'
import type { Slab } from './slab.js'
import { MAX_VARINT_BYTES, sizeOfUnsigned, writeUnsigned, zigzag } from './varint.js'

export interface EncodableRecord {
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: number
  readonly headers: Headers
}

export interface BatchOptions {
  /** Bytes of a batch before compression. A single record may be larger. */
  readonly maxBytes: number
  readonly maxRecords: number
  readonly compression: CompressionType
  /** -1, -1 and -1 without idempotence. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
}

export interface EncodedBatch {
  /** In the slab; it holds until the slab is written again. */
  readonly bytes: Buffer
  /** How many of the records are in it. */
  readonly count: number
}

export interface BatchEncoder {
  /** Appends to `slab` one batch with as many of `records`, from index `from`, as belong into it; at least one. */
  encode(slab: Slab, records: readonly EncodableRecord[], from: number, options: BatchOptions): EncodedBatch
}

/** So that the zigzag of every difference of two timestamps is a safe integer. */
const MAX_TIME_DELTA = 2 ** 51
const MAX_NAMES = 1_000
const NO_BYTES = 1

export function createBatchEncoder(): BatchEncoder {
  /** The bytes of header names, of which a program has few. */
  const names = new Map<string, Buffer>()

  const bytesOfName = (name: string): Buffer => {
    let bytes = names.get(name)
    if (bytes === undefined) {
      bytes = Buffer.from(name, 'utf8')
      if (names.size < MAX_NAMES) names.set(name, bytes)
    }
    return bytes
  }

  const sizeOfHeaders = (headers: Headers): number => {
    let size = sizeOfUnsigned(2 * headers.length)
    for (let i = 0; i < headers.length; i++) {
      const { key, value } = headers[i]!
      const name = bytesOfName(key).length
      size += sizeOfUnsigned(2 * name) + name + sizeOfBytes(value)
    }
    return size
  }

  const writeHeaders = (into: Buffer, start: number, headers: Headers): number => {
    let at = writeUnsigned(into, start, 2 * headers.length)
    for (let i = 0; i < headers.length; i++) {
      const { key, value } = headers[i]!
      at = writeBytes(into, writeUnsigned(into, at, 2 * bytesOfName(key).length), bytesOfName(key))
      at = writeOptional(into, at, value)
    }
    return at
  }

  return {
    encode(slab, records, from, options) {
      const start = slab.length
      const limit = Math.min(records.length, from + options.maxRecords)
      const baseTimestamp = records[from]!.timestamp
      let maxTimestamp = baseTimestamp
      let buffer = slab.reserve(BATCH_HEADER_BYTES)
      let at = start + BATCH_HEADER_BYTES
      let end = from
      for (; end < limit; end++) {
        const { key, value, timestamp, headers } = records[end]!
        const delta = timestamp - baseTimestamp
        if (delta >= MAX_TIME_DELTA || delta <= -MAX_TIME_DELTA) break
        const timeDelta = zigzag(delta)
        const offsetDelta = 2 * (end - from)
        const size =
          1 +
          sizeOfUnsigned(timeDelta) +
          sizeOfUnsigned(offsetDelta) +
          sizeOfBytes(key) +
          sizeOfBytes(value) +
          (headers.length === 0 ? 1 : sizeOfHeaders(headers))
        if (end > from && at - start + size + MAX_VARINT_BYTES > options.maxBytes) break
        if (at + size + MAX_VARINT_BYTES > buffer.length) {
          slab.length = at
          buffer = slab.reserve(size + MAX_VARINT_BYTES)
        }
        if (timestamp > maxTimestamp) maxTimestamp = timestamp
        at = writeUnsigned(buffer, at, 2 * size)
        buffer[at++] = 0
        at = writeUnsigned(buffer, at, timeDelta)
        at = writeUnsigned(buffer, at, offsetDelta)
        at = writeOptional(buffer, at, key)
        at = writeOptional(buffer, at, value)
        if (headers.length === 0) buffer[at++] = 0
        else at = writeHeaders(buffer, at, headers)
      }
      slab.length = at
      if (options.compression !== 'none') {
        const compressed = compress(options.compression, buffer, start + BATCH_HEADER_BYTES, at)
        slab.length = start + BATCH_HEADER_BYTES
        buffer = slab.reserve(compressed.length)
        compressed.copy(buffer, slab.length)
        slab.length += compressed.length
      }
      const bytes = buffer.subarray(start, slab.length)
      seal(bytes, end - from, baseTimestamp, maxTimestamp, options)
      return { bytes, count: end - from }
    },
  }
}

function seal(
  bytes: Buffer,
  count: number,
  baseTimestamp: number,
  maxTimestamp: number,
  options: BatchOptions,
): void {
  writeInt64(bytes, AT.baseOffset, 0)
  bytes.writeInt32BE(bytes.length - LENGTH_END, AT.length)
  bytes.writeInt32BE(-1, AT.leaderEpoch)
  bytes.writeInt8(MAGIC, AT.magic)
  const codec = CODECS.indexOf(options.compression)
  bytes.writeInt16BE(codec | (options.transactional ? TRANSACTIONAL : 0), AT.attributes)
  bytes.writeInt32BE(count - 1, AT.lastOffsetDelta)
  writeInt64(bytes, AT.baseTimestamp, baseTimestamp)
  writeInt64(bytes, AT.maxTimestamp, maxTimestamp)
  writeInt64(bytes, AT.producerId, options.producerId)
  bytes.writeInt16BE(options.producerEpoch, AT.producerEpoch)
  bytes.writeInt32BE(options.baseSequence, AT.baseSequence)
  bytes.writeInt32BE(count, AT.count)
  bytes.writeUInt32BE(crc32c(bytes, AT.attributes, bytes.length), AT.crc)
}

/**
 * Refuses what the broker would refuse, before anything is sent: the broker rejects a whole batch and, in older
 * versions, does not say which record it means.
 *
 * @param maxMessageBytes what a batch with only this record may have: `max.message.bytes` of the topic
 * @throws RevlogError `E_RECORD_TOO_LARGE`, `E_RECORD_TIMESTAMP`, naming topic, partition and index
 */
export function checkRecord(
  record: EncodableRecord & { readonly topic: string },
  partition: number,
  index: number,
  maxMessageBytes: number,
): void {
  const { key, value, timestamp, headers, topic } = record
  if (!Number.isSafeInteger(timestamp)) {
    throw new RevlogError('E_RECORD_TIMESTAMP', `record ${index} has the timestamp ${timestamp}`, {
      at: { topic, partition },
      remedy: 'a timestamp is a whole number of milliseconds since the epoch',
    })
  }
  let bytes = BATCH_HEADER_BYTES + 5 * MAX_VARINT_BYTES
  if (key !== undefined) bytes += key.length
  if (value !== undefined) bytes += value.length
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!
    const name = 3 * header.key.length
    bytes += MAX_VARINT_BYTES + name + (header.value === undefined ? 0 : header.value.length)
  }
  if (bytes <= maxMessageBytes) return
  const exact = BATCH_HEADER_BYTES + sizeOfRecord(record)
  if (exact <= maxMessageBytes) return
  throw new RevlogError(
    'E_RECORD_TOO_LARGE',
    `record ${index} needs a batch of ${exact} bytes, and one may have ${maxMessageBytes}`,
    {
      at: { topic, partition },
      remedy: 'raise max.message.bytes of the topic, or write smaller records',
    },
  )
}

/** As the only one of its batch. */
function sizeOfRecord({ key, value, headers }: EncodableRecord): number {
  let size = 3 + sizeOfBytes(key) + sizeOfBytes(value) + sizeOfUnsigned(2 * headers.length)
  for (const header of headers) {
    const name = Buffer.byteLength(header.key)
    size += sizeOfUnsigned(2 * name) + name + sizeOfBytes(header.value)
  }
  return sizeOfUnsigned(2 * size) + size
}

const sizeOfBytes = (bytes: Buffer | undefined): number =>
  bytes === undefined ? NO_BYTES : sizeOfUnsigned(2 * bytes.length) + bytes.length

function writeOptional(into: Buffer, at: number, bytes: Buffer | undefined): number {
  if (bytes !== undefined) return writeBytes(into, writeUnsigned(into, at, 2 * bytes.length), bytes)
  into[at] = 1
  return at + 1
}

/** Copying byte by byte beats the call into the engine for what keys usually are. */
function writeBytes(into: Buffer, at: number, bytes: Buffer): number {
  const length = bytes.length
  if (length > 24) into.set(bytes, at)
  else for (let i = 0; i < length; i++) into[at + i] = bytes[i]!
  return at + length
}
