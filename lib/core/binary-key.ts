import { assert } from './assert.js'

/**
 * Bytes as a string of one UTF-16 unit per byte (latin-1). Stores are ordered by key bytes and look keys up in
 * JavaScript maps; such a string does both: `<` compares it as bytes and `Map` hashes it, where a `Buffer` does
 * neither. It is never text: to show it, decode it with the key's serde.
 */
export type BinaryKey = string

/** What `toString` calls once it has found out what it was asked for; Node's types leave them out. */
interface Slices {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

export const keyOfBytes = (bytes: Buffer): BinaryKey =>
  (bytes as Buffer & Slices).latin1Slice(0, bytes.length)

export const textOfBytes = (bytes: Buffer): string => (bytes as Buffer & Slices).utf8Slice(0, bytes.length)

export const bytesOfKey = (key: BinaryKey): Buffer => Buffer.from(key, 'latin1')

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const ASCII = /^[\x00-\x7f]*$/

/** Keys are short, and for these a loop costs less than the regular expression. */
function isAscii(text: string): boolean {
  if (text.length > 32) return ASCII.test(text)
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/** The UTF-8 bytes of a text. For ASCII, which most keys are, that is the text itself. */
export const keyOfText = (text: string): BinaryKey =>
  isAscii(text) ? text : keyOfBytes(Buffer.from(text, 'utf8'))

export const textOfKey = (key: BinaryKey): string =>
  isAscii(key) ? key : Buffer.from(key, 'latin1').toString('utf8')

/**
 * A key as the first part of a longer one: no escaped key is a prefix of another, and escaped keys sort as the
 * keys do. `00` becomes `00 ff`, and `00 01` ends the key.
 */
export const escapeKey = (key: BinaryKey): BinaryKey =>
  `${key.includes('\0') ? key.replaceAll('\0', '\0\xff') : key}\0\x01`

/** The inverse of {@link escapeKey} at the start of `bytes`, and where the rest begins. */
export function unescapeKey(bytes: BinaryKey): {
  readonly key: BinaryKey
  readonly end: number
} {
  let end = bytes.indexOf('\0')
  while (end >= 0 && bytes.charCodeAt(end + 1) === 0xff) end = bytes.indexOf('\0', end + 2)
  assert(end >= 0 && bytes.charCodeAt(end + 1) === 1, 'an escaped key ends with 00 01')
  return { key: bytes.slice(0, end).replaceAll('\0\xff', '\0'), end: end + 2 }
}

/** Half of what a number counts exactly, so that the sum with a time is exact too. */
const TIME_BIAS = 2 ** 52
/** Times that sort: milliseconds to the year 144,000, before and after 1970. */
export const MAX_TIME = TIME_BIAS - 1
export const TIME_KEY_BYTES = 7

/** A time as 7 bytes that sort as the numbers do; from -{@link MAX_TIME} to it. */
export function timeKey(time: number): BinaryKey {
  const biased = time + TIME_BIAS
  const high = Math.floor(biased / 0x1_0000_0000)
  const low = biased % 0x1_0000_0000
  return String.fromCharCode(
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  )
}

/** The inverse of {@link timeKey}, reading at `at`. */
export function timeOfKey(key: BinaryKey, at = 0): number {
  const high = (key.charCodeAt(at) << 16) | (key.charCodeAt(at + 1) << 8) | key.charCodeAt(at + 2)
  const low =
    key.charCodeAt(at + 3) * 0x1_00_0000 +
    ((key.charCodeAt(at + 4) << 16) | (key.charCodeAt(at + 5) << 8) | key.charCodeAt(at + 6))
  return high * 0x1_0000_0000 + low - TIME_BIAS
}

/** The smallest key greater than every key that begins with `prefix`; `undefined` when there is none. */
export function afterPrefix(prefix: BinaryKey): BinaryKey | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const unit = prefix.charCodeAt(i)
    if (unit < 0xff) return prefix.slice(0, i) + String.fromCharCode(unit + 1)
  }
  return undefined
}
