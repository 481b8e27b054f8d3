/** A zigzag varint of 64 bits has 10 bytes at most. */
export const MAX_VARINT_BYTES = 10

/** How many bytes {@link writeUnsigned} writes. */
export function sizeOfUnsigned(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  if (value < 0x1000_0000) return 4
  let size = 5
  for (let rest = value / 0x8_0000_0000; rest >= 1; rest /= 0x80) size++
  return size
}

/** Writes a safe integer of 0 or more, least significant 7 bits first; says where the next byte goes. */
export function writeUnsigned(into: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  while (rest >= 0x8000_0000) {
    into[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  while (rest >= 0x80) {
    into[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[at++] = rest
  return at
}

/** 0, -1, 1, -2, … as 0, 1, 2, 3, …; for integers whose double is safe. */
export const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)

/** A place in bytes that reading moves on. */
export interface Cursor {
  at: number
}

/**
 * A varint of 32 bits that ends before `end`, as it stands: before zigzag. -1 when there is none: the bytes end, or it
 * is longer than 5 bytes.
 */
export function readUnsigned32(bytes: Buffer, cursor: Cursor, end: number): number {
  let at = cursor.at
  if (at >= end) return -1
  let byte = bytes[at++]!
  if (byte < 0x80) {
    cursor.at = at
    return byte
  }
  let value = byte & 0x7f
  for (let shift = 7; shift <= 28; shift += 7) {
    if (at >= end) return -1
    byte = bytes[at++]!
    value = (value | ((byte & 0x7f) << shift)) >>> 0
    if (byte < 0x80) {
      cursor.at = at
      return value
    }
  }
  return -1
}

export const unzigzag32 = (value: number): number => (value >>> 1) ^ -(value & 1)

/**
 * A varint of 64 bits, after zigzag. Exact up to 49 bits; `undefined` when there is none. Longer ones are
 * {@link readSigned64Exactly}'s.
 */
export function readSigned64(bytes: Buffer, cursor: Cursor, end: number): number | undefined {
  let at = cursor.at
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= end) return undefined
    const byte = bytes[at++]!
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor.at = at
      return (low >>> 1) ^ -(low & 1)
    }
  }
  let high = 0
  for (let shift = 0; shift < 21; shift += 7) {
    if (at >= end) return undefined
    const byte = bytes[at++]!
    high |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor.at = at
      const value = high * 0x1000_0000 + low
      return (low & 1) === 0 ? value / 2 : -(value + 1) / 2
    }
  }
  const exact = readSigned64Exactly(bytes, cursor, end)
  return exact === undefined ? undefined : Number(exact)
}

/** The same for every varint of 64 bits. */
export function readSigned64Exactly(bytes: Buffer, cursor: Cursor, end: number): bigint | undefined {
  let at = cursor.at
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (at >= end) return undefined
    const byte = bytes[at++]!
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor.at = at
      const unsigned = BigInt.asUintN(64, value)
      return BigInt.asIntN(64, (unsigned >> 1n) ^ -(unsigned & 1n))
    }
  }
  return undefined
}
