import { type BinaryKey, escapeKey, keyOfText } from '../../core/binary-key.js'

/** 4 bytes that sort as the numbers do. */
const u32Key = (n: number): BinaryKey =>
  String.fromCharCode(n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff)

/** One partition of one topic: the key of its row of figures, and the start of the keys of its batches. */
export const partitionKey = (topicId: number, partition: number): BinaryKey =>
  u32Key(topicId) + u32Key(partition)

/** Batches of a partition sort by their first offset: 6 bytes. */
export function batchKey(partition: BinaryKey, baseOffset: number): BinaryKey {
  const high = Math.floor(baseOffset / 0x1_0000_0000)
  return (
    partition + String.fromCharCode((high >>> 8) & 0xff, high & 0xff) + u32Key(baseOffset % 0x1_0000_0000)
  )
}

/** Greater than the key of every batch of the partition. */
export const afterBatches = (partition: BinaryKey): BinaryKey => `${partition}\xff\xff\xff\xff\xff\xff\xff`

export const positionKey = (group: string, topic: string, partition: number): BinaryKey =>
  escapeKey(keyOfText(group)) + escapeKey(keyOfText(topic)) + u32Key(partition)
