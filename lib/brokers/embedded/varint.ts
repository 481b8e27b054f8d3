/** 8 groups of 7 bits hold every safe integer; one more for good measure. */
export const MAX_VARINT_BYTES = 9

/** Writes a safe integer of 0 or more, least significant 7 bits first; says where the next byte goes. */
export function writeVarint(into: Buffer, start: number, value: number): number {
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
