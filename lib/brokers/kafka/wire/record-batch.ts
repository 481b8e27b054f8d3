/**
 * A record batch of magic 2, as it lies in a log and in produce and fetch requests (KIP-98). Numbers are big-endian,
 * varints zigzag and little-endian base 128.
 *
 *      0  i64  offset of the first record; what the producer writes there is replaced
 *      8  i32  length of what follows
 *     12  i32  epoch of the leader that appended it
 *     16  i8   magic, 2
 *     17  u32  CRC-32C of all that follows
 *     21  i16  attributes, below
 *     23  i32  offset of the last record minus the first; stays when compaction takes records out
 *     27  i64  timestamp that the records' deltas count from
 *     35  i64  greatest timestamp; of all records when the log sets the time
 *     43  i64  producer id, -1 without
 *     51  i16  producer epoch
 *     53  i32  sequence number of the first record, -1 without
 *     57  i32  number of records
 *     61  records, as a whole compressed with the codec of the attributes, one after the other:
 *           varint  length of the rest
 *           i8      attributes, unused
 *           varlong timestamp minus the batch's
 *           varint  offset minus the batch's
 *           varint  length of the key, -1: none     and the key
 *           varint  length of the value, -1: none   and the value
 *           varint  number of headers, each: varint length and name, varint length (-1: none) and value
 */
export const MAGIC = 2
export const BATCH_HEADER_BYTES = 61
export const AT = Object.freeze({
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
})
/** Offset and length: what the length does not count. */
export const LENGTH_END = 12

export const CODEC_MASK = 0x07
export const LOG_APPEND_TIME = 0x08
export const TRANSACTIONAL = 0x10
export const CONTROL = 0x20

/** A record that is nothing but lengths. */
export const MIN_RECORD_BYTES = 7

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
/** By their number in the attributes. */
export const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Sequence numbers go round. */
export const SEQUENCES = 2 ** 31
