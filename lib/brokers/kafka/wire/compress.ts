import { gzipSync } from 'node:zlib'
import { compressFrame } from './lz4-frame.js'

/** What we write; more can be read. */
export type CompressionType = 'none' | 'gzip' | 'lz4'

/** Level 1: the broker and the disk want fewer bytes, the event loop wants to go on. */
const GZIP_LEVEL = 1

export function compress(
  type: Exclude<CompressionType, 'none'>,
  from: Buffer,
  start: number,
  end: number,
): Buffer {
  return type === 'gzip'
    ? gzipSync(from.subarray(start, end), { level: GZIP_LEVEL })
    : compressFrame(from, start, end)
}
