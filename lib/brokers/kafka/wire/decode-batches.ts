import { type Coordinates, RevlogError } from '../../../core/errors.js'
import type { LogRecord } from '../../../core/record.js'
import { corruptBatch } from './corrupt.js'
import { crc32c } from './crc32c.js'
import { decodeRecords } from './decode-records.js'
import { decompress } from './decompress.js'
import { readInt64 } from './int64.js'
import {
  AT,
  BATCH_HEADER_BYTES,
  CODEC_MASK,
  CODECS,
  CONTROL,
  LENGTH_END,
  LOG_APPEND_TIME,
  MAGIC,
  MIN_RECORD_BYTES,
  TRANSACTIONAL,
} from './record-batch.js'

/** A transaction that was aborted, as a fetch answer lists those that touch what it holds. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface DecodeOptions {
  readonly topic: string
  readonly partition: number
  /** The first offset wanted: a batch may begin before it. */
  readonly offset: number
  /** Leave out what these wrote; `undefined` leaves in what was aborted. */
  readonly aborted?: readonly AbortedTransaction[] | undefined
  /** After the batch that reaches this many bytes of records the rest is left. */
  readonly maxDecodedBytes: number
  /** What one compressed batch may hold at most. */
  readonly maxBatchBytes: number
}

export interface DecodedBatches {
  readonly records: readonly LogRecord[]
  /** Where to go on: past control records, aborted records, and batches that compaction has emptied. */
  readonly nextOffset: number
}

/** An answer whose batches are checked, and whose records are made when they are wanted. */
export interface BatchReader {
  /** Where to go on after this answer. */
  readonly endOffset: number
  /**
   * The records of the next batches, up to and with the one that reaches `bytes`; `undefined` when all have been read.
   *
   * @throws RevlogError as {@link decodeBatches}
   */
  next(bytes: number): DecodedBatches | undefined
}

/**
 * Who reads ahead of its work would make records that lie about until their turn, and each would be moved by two garbage
 * collections before it is used; bytes are not.
 *
 * @throws RevlogError as {@link decodeBatches}, of what shows without looking at records
 */
export function createBatchReader(
  bytes: Buffer,
  options: Omit<DecodeOptions, 'maxDecodedBytes'>,
): BatchReader {
  const batches = [...splitBatches(bytes, options)]
  const isAborted = abortedFilter(options.aborted)
  const endOffset = batches.at(-1)?.endOffset ?? options.offset
  let nextOffset = options.offset
  let read = 0

  /** Appends the batch's records that are wanted; says how many bytes they took. */
  function decode({ header, start, end, endOffset }: FoundBatch, into: LogRecord[]): number {
    const at = { topic: options.topic, partition: options.partition, offset: header.baseOffset }
    const control = (header.attributes & CONTROL) !== 0
    const wanted = endOffset > options.offset && header.count > 0
    if (!(wanted && !isAborted.skips(header, endOffset - 1)) && !(control && header.count > 0)) return 0
    const codec = CODECS[header.attributes & CODEC_MASK]
    if (codec === undefined) throw corruptBatch('its compression codec does not exist', at)
    const plain = codec === 'none'
    const content = plain
      ? bytes
      : decompress(codec, bytes, start + BATCH_HEADER_BYTES, end, options.maxBatchBytes, at)
    const contentStart = plain ? start + BATCH_HEADER_BYTES : 0
    const contentEnd = plain ? end : content.length
    if (header.count > (contentEnd - contentStart) / MIN_RECORD_BYTES) {
      throw corruptBatch(`it cannot hold ${header.count} records`, at)
    }
    const from = control ? -1 : options.offset
    const found = control ? [] : into
    decodeRecords(content, contentStart, contentEnd, header, from, found, at)
    if (control) isAborted.ends(header.producerId, found[0]?.key, at)
    return contentEnd - contentStart
  }

  return {
    endOffset,
    next(wanted) {
      if (read === batches.length) return undefined
      const records: LogRecord[] = []
      for (let decoded = 0; read < batches.length && decoded < wanted; ) {
        const batch = batches[read++]!
        decoded += decode(batch, records)
        nextOffset = Math.max(nextOffset, batch.endOffset)
      }
      return { records, nextOffset }
    },
  }
}

/**
 * The records in the batches of one partition's fetch answer. The bytes are not trusted: whatever they are, this ends,
 * reads nothing beyond them, and allocates no more than `options` allow beside a small multiple of their length.
 *
 * The last batch may be cut off, since a broker answers with so many bytes; the first may not, because a broker sends
 * it whole however large it is (KIP-74). That is why an answer always advances the position, or throws.
 *
 * @throws RevlogError `E_CORRUPT_BATCH`, `E_BATCH_FORMAT` (a batch of Kafka before 0.11), `E_COMPRESSION`,
 *   `E_BATCH_TOO_LARGE`, each with topic, partition and offset
 */
export const decodeBatches = (bytes: Buffer, options: DecodeOptions): DecodedBatches =>
  createBatchReader(bytes, options).next(options.maxDecodedBytes) ?? {
    records: [],
    nextOffset: options.offset,
  }

/** A batch that is whole, and whose checksum is right. */
interface FoundBatch {
  readonly header: BatchHeader
  readonly start: number
  readonly end: number
  /** After its last record; never before the position that was asked for. */
  readonly endOffset: number
}

function* splitBatches(
  bytes: Buffer,
  { topic, partition, offset }: Pick<DecodeOptions, 'topic' | 'partition' | 'offset'>,
): Generator<FoundBatch> {
  let nextOffset = offset
  let lastOffset = -1
  for (let start = 0; start < bytes.length; ) {
    const place = { topic, partition, offset: nextOffset }
    const end = endOfBatch(bytes, start, place)
    if (end === undefined) {
      if (start > 0) return
      throw corruptBatch(`it is cut off after ${bytes.length} bytes`, place)
    }
    const header = readHeader(bytes, start, end, place)
    const at = { topic, partition, offset: header.baseOffset }
    if (header.baseOffset <= lastOffset) throw corruptBatch('its offsets are not after those before it', at)
    lastOffset = header.baseOffset + header.lastOffsetDelta
    if (!Number.isSafeInteger(lastOffset + 1)) throw corruptBatch('its offsets are out of range', at)
    nextOffset = Math.max(nextOffset, lastOffset + 1)
    yield { header, start, end, endOffset: nextOffset }
    start = end
  }
}

/** Where the batch at `start` ends; `undefined` when it is cut off. */
function endOfBatch(bytes: Buffer, start: number, place: Coordinates): number | undefined {
  const left = bytes.length - start
  if (left > AT.magic) checkMagic(bytes, start, place)
  if (left < LENGTH_END) return undefined
  const length = bytes.readInt32BE(start + AT.length)
  if (length < BATCH_HEADER_BYTES - LENGTH_END && left > AT.magic) {
    throw corruptBatch(`its length is ${length}`, place)
  }
  return length > left - LENGTH_END ? undefined : start + LENGTH_END + length
}

function checkMagic(bytes: Buffer, start: number, place: Coordinates): void {
  const magic = bytes[start + AT.magic]!
  if (magic === MAGIC) return
  if (magic > MAGIC) throw corruptBatch(`its format is ${magic}`, place)
  throw new RevlogError('E_BATCH_FORMAT', `a batch has format ${magic}, which Kafka wrote before 0.11`, {
    at: place,
    remedy: 'copy the topic with a current client, which writes format 2',
  })
}

export interface BatchHeader {
  readonly baseOffset: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly count: number
  /** All records have the batch's greatest timestamp: the broker's time. */
  readonly logAppendTime: boolean
}

function readHeader(bytes: Buffer, start: number, end: number, place: Coordinates): BatchHeader {
  const crc = crc32c(bytes, start + AT.attributes, end)
  if (crc !== bytes.readUInt32BE(start + AT.crc)) throw corruptBatch('its checksum is wrong', place)
  const attributes = bytes.readInt16BE(start + AT.attributes)
  const header = {
    baseOffset: readInt64(bytes, start + AT.baseOffset),
    attributes,
    lastOffsetDelta: bytes.readInt32BE(start + AT.lastOffsetDelta),
    baseTimestamp: readInt64(bytes, start + AT.baseTimestamp),
    maxTimestamp: readInt64(bytes, start + AT.maxTimestamp),
    producerId: readInt64(bytes, start + AT.producerId),
    count: bytes.readInt32BE(start + AT.count),
    logAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
  }
  const { baseOffset, lastOffsetDelta, count } = header
  if (!Number.isSafeInteger(baseOffset) || baseOffset < 0 || lastOffsetDelta < 0) {
    throw corruptBatch(`it begins at offset ${baseOffset} and has ${lastOffsetDelta} more`, place)
  }
  if (count < 0 || count > lastOffsetDelta + 1) throw corruptBatch(`it has ${count} records`, place)
  return header
}

/** The type of a control record that ends a transaction: `0` aborted, in a key of i16 version and i16 type. */
const ABORT = 0

/**
 * Knows at each batch which producers are in a transaction that will be aborted: from the first offset that the answer
 * lists up to the control record that ends it.
 */
function abortedFilter(aborted: readonly AbortedTransaction[] | undefined) {
  const pending = [...(aborted ?? [])].sort((a, b) => b.firstOffset - a.firstOffset)
  const open = new Set<number>()
  return {
    skips(batch: BatchHeader, lastOffset: number): boolean {
      for (let next = pending.at(-1); next !== undefined; next = pending.at(-1)) {
        if (next.firstOffset > lastOffset) break
        open.add(next.producerId)
        pending.pop()
      }
      return (
        (batch.attributes & CONTROL) !== 0 ||
        ((batch.attributes & TRANSACTIONAL) !== 0 && open.has(batch.producerId))
      )
    },
    ends(producerId: number, key: Buffer | undefined, at: Coordinates): void {
      if (key === undefined || key.length < 4) throw corruptBatch('its control record has no type', at)
      if (key.readInt16BE(2) === ABORT) open.delete(producerId)
    },
  }
}
