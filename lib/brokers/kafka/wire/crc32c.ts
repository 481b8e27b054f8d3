import { endianness } from 'node:os'

/**
 * CRC-32C (Castagnoli), which seals a record batch. Node's `zlib.crc32` is another polynomial, and kafkajs' table of
 * single bytes reaches 0.4 GB/s; 16 tables over 32-bit words reach 1.8 GB/s.
 */
const SLICES = 16
const WORD_BYTES = 4
const LITTLE_ENDIAN = endianness() === 'LE'

const TABLE = makeTable()

function makeTable(): Int32Array {
  const table = new Int32Array(256 * SLICES)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f6_3b78
    table[byte] = crc
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = table[byte]!
    for (let slice = 1; slice < SLICES; slice++) {
      crc = table[crc & 0xff]! ^ (crc >>> 8)
      table[slice * 256 + byte] = crc
    }
  }
  return table
}

/** Of the bytes from `start` up to `end`, as an unsigned number. */
export function crc32c(bytes: Buffer, start: number, end: number): number {
  let crc = -1
  let at = start
  if (LITTLE_ENDIAN && end - start >= 2 * SLICES) {
    for (; ((bytes.byteOffset + at) & (WORD_BYTES - 1)) !== 0; at++) {
      crc = TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
    }
    const steps = Math.floor((end - at) / SLICES)
    crc = crcOfWords(crc, new Int32Array(bytes.buffer, bytes.byteOffset + at, (steps * SLICES) / WORD_BYTES))
    at += steps * SLICES
  }
  for (; at < end; at++) crc = TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Sixteen bytes a step: each byte's part comes from the table of its distance to the step's end. */
function crcOfWords(start: number, words: Int32Array): number {
  let crc = start
  for (let i = 0; i < words.length; i += 4) {
    const a = crc ^ words[i]!
    const b = words[i + 1]!
    const c = words[i + 2]!
    const d = words[i + 3]!
    crc =
      TABLE[3840 + (a & 0xff)]! ^
      TABLE[3584 + ((a >>> 8) & 0xff)]! ^
      TABLE[3328 + ((a >>> 16) & 0xff)]! ^
      TABLE[3072 + (a >>> 24)]! ^
      TABLE[2816 + (b & 0xff)]! ^
      TABLE[2560 + ((b >>> 8) & 0xff)]! ^
      TABLE[2304 + ((b >>> 16) & 0xff)]! ^
      TABLE[2048 + (b >>> 24)]! ^
      TABLE[1792 + (c & 0xff)]! ^
      TABLE[1536 + ((c >>> 8) & 0xff)]! ^
      TABLE[1280 + ((c >>> 16) & 0xff)]! ^
      TABLE[1024 + (c >>> 24)]! ^
      TABLE[768 + (d & 0xff)]! ^
      TABLE[512 + ((d >>> 8) & 0xff)]! ^
      TABLE[256 + ((d >>> 16) & 0xff)]! ^
      TABLE[d >>> 24]!
  }
  return crc
}
