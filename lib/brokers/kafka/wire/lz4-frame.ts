import { compressBlock, createHashTable, decompressBlock, maxCompressedBytes } from './lz4-block.js'

/**
 * The LZ4 frame, which Kafka puts around a batch's records:
 *
 *     u32  magic, little-endian like the rest
 *     u8   flags: version 01, blocks independent, block checksums, content size, content checksum, -, dictionary
 *     u8   greatest size of a block, 4 to 7 in bits 4 to 6: 64 KiB, 256 KiB, 1 MiB, 4 MiB
 *     u64  size of the content                                             with its flag
 *     u8   checksum of flags, block size and content size
 *     blocks, each: u32 length, with bit 31 for "not compressed"; the bytes; u32 checksum with its flag
 *     u32  0
 *     u32  checksum of the content                                         with its flag
 *
 * Checksums are not verified: the batch's CRC-32C covers all of it. We write independent blocks of 64 KiB without
 * checksums, as the Java client does; it refuses blocks that depend on each other, we read them.
 */
const MAGIC = 0x184d_2204
const VERSION = 0x40
const VERSION_MASK = 0xc0
const INDEPENDENT = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY = 0x01
const RAW = 0x8000_0000
const BLOCK_BYTES = 64 * 1024
/** Flags 60, block size 40; the checksum of these two is always 82. */
const FRAME_START = Buffer.from('04224d18604082', 'hex')
const BLOCK_START_BYTES = 4

export function compressFrame(from: Buffer, start: number, end: number): Buffer {
  const blocks = Math.ceil((end - start) / BLOCK_BYTES)
  const room = maxCompressedBytes(BLOCK_BYTES) + BLOCK_START_BYTES
  const into = Buffer.allocUnsafe(FRAME_START.length + blocks * room + BLOCK_START_BYTES)
  const table = createHashTable()
  let out = FRAME_START.copy(into)
  for (let at = start; at < end; at += BLOCK_BYTES) {
    const blockEnd = Math.min(at + BLOCK_BYTES, end)
    const size = blockEnd - at
    const written = compressBlock(from, at, blockEnd, into, out + BLOCK_START_BYTES, table)
    const compressed = written - out - BLOCK_START_BYTES
    if (compressed < size) {
      into.writeUInt32LE(compressed, out)
      out = written
    } else {
      into.writeUInt32LE((RAW | size) >>> 0, out)
      out += BLOCK_START_BYTES + from.copy(into, out + BLOCK_START_BYTES, at, blockEnd)
    }
  }
  into.writeUInt32LE(0, out)
  return into.subarray(0, out + BLOCK_START_BYTES)
}

/** Why bytes are no frame that can be read. */
export type FrameFault = 'corrupt' | 'too large'

/** The content of the frame in `from[start, end)`, of `maxBytes` at most. */
export function decompressFrame(
  from: Buffer,
  start: number,
  end: number,
  maxBytes: number,
): Buffer | FrameFault {
  if (end - start < FRAME_START.length || from.readUInt32LE(start) !== MAGIC) return 'corrupt'
  const flags = from[start + 4]!
  const sizeCode = (from[start + 5]! >>> 4) & 7
  if ((flags & VERSION_MASK) !== VERSION || (flags & DICTIONARY) !== 0 || sizeCode < 4) return 'corrupt'
  const blockBytes = 1 << (8 + 2 * sizeCode)
  const independent = (flags & INDEPENDENT) !== 0
  let at = start + FRAME_START.length + ((flags & CONTENT_SIZE) === 0 ? 0 : 8)
  let into = Buffer.allocUnsafe(Math.min(maxBytes, blockBytes, 4 * (end - start)))
  let out = 0
  for (;;) {
    if (at + BLOCK_START_BYTES > end) return 'corrupt'
    const word = from.readUInt32LE(at)
    at += BLOCK_START_BYTES
    if (word === 0) break
    const raw = word >= RAW
    const length = raw ? word - RAW : word
    if (length === 0 || length > blockBytes || length > end - at) return 'corrupt'
    // A block of n bytes cannot hold more than 255 n.
    const bound = raw ? length : Math.min(blockBytes, 255 * length)
    const needed = Math.min(out + bound, maxBytes)
    if (needed > into.length) {
      const larger = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(needed, 2 * into.length)))
      into.copy(larger, 0, 0, out)
      into = larger
    }
    if (raw) {
      if (out + length > maxBytes) return 'too large'
      out += from.copy(into, out, at, at + length)
    } else {
      const limit = Math.min(out + bound, into.length)
      const written = decompressBlock(from, at, at + length, into, out, limit, independent ? out : 0)
      if (written < 0) return out + bound > maxBytes ? 'too large' : 'corrupt'
      out = written
    }
    at += length + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4)
  }
  if ((flags & CONTENT_CHECKSUM) !== 0 && at + 4 > end) return 'corrupt'
  return into.subarray(0, out)
}
