/** Kafka's default partitioner hash (murmur2, seed 0x9747b28c), so that every client agrees on a key's partition. */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  let h = (0x9747b28c ^ length) | 0
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, 0x5bd1e995)
    k ^= k >>> 24
    h = Math.imul(h, 0x5bd1e995) ^ Math.imul(k, 0x5bd1e995)
  }
  const rest = length - i
  if (rest === 3) h ^= data[i + 2]! << 16
  if (rest >= 2) h ^= data[i + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[i]!, 0x5bd1e995)
  h = Math.imul(h ^ (h >>> 13), 0x5bd1e995)
  return h ^ (h >>> 15)
}

/** The partition of a key. A record without a key goes to partition 0: deterministic, and every such record is together. */
export function partitionOf(key: Uint8Array | undefined, partitions: number): number {
  if (partitions === 1 || key === undefined) return 0
  return (murmur2(key) & 0x7fffffff) % partitions
}
