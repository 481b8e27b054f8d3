/**
 * Memory that is written from its beginning again and again, so that batches cost no allocation. It grows to the
 * largest use that it has seen.
 */
export interface Slab {
  /** Another object after it has grown; what was written is copied. */
  readonly buffer: Buffer
  /** Where the next byte goes. */
  length: number
  /** The buffer, with room for that many bytes more. */
  reserve(bytes: number): Buffer
}

export function createSlab(initialBytes: number): Slab {
  let buffer = Buffer.allocUnsafeSlow(initialBytes)
  const slab = {
    length: 0,
    get buffer() {
      return buffer
    },
    reserve(bytes: number) {
      const needed = slab.length + bytes
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * buffer.length))
        buffer.copy(larger, 0, 0, slab.length)
        buffer = larger
      }
      return buffer
    },
  }
  return slab
}
