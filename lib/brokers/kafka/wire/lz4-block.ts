/**
 * LZ4 blocks, by the format's description. A block is a row of sequences:
 *
 *     token: 4 bits number of literals, 4 bits length of the match minus 4; 15 means that bytes follow which are
 *            added to it, up to one that is not 255
 *     literals
 *     u16    little-endian: how far back the match begins, 1 to 65,535   (not in the last sequence)
 *
 * The last 5 bytes are literals, and the last match begins at least 12 bytes before the end.
 */
const MIN_MATCH = 4
const LAST_LITERALS = 5
const MATCH_LIMIT = 12
const MAX_DISTANCE = 65_535
const HASH_BITS = 13
/** From how many bytes on a call into the engine is faster than a loop. */
const LONG = 24

/** What a block may need at most, when nothing in it repeats. */
export const maxCompressedBytes = (bytes: number): number => bytes + Math.ceil(bytes / 255) + 16

/** Where each hash was seen last; given by the caller so that blocks do not allocate. */
export const createHashTable = (): Int32Array => new Int32Array(1 << HASH_BITS)

/** Writes `from[start, end)` into `into` at `to`, with room for {@link maxCompressedBytes}; says where it ended. */
export function compressBlock(
  from: Buffer,
  start: number,
  end: number,
  into: Buffer,
  to: number,
  table: Int32Array,
): number {
  table.fill(-1)
  let out = to
  let anchor = start
  let at = start
  const last = end - MATCH_LIMIT
  let misses = 0
  while (at < last) {
    const word = from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24)
    const hash = Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS)
    const candidate = table[hash]!
    table[hash] = at
    if (
      candidate < 0 ||
      at - candidate > MAX_DISTANCE ||
      (from[candidate]! |
        (from[candidate + 1]! << 8) |
        (from[candidate + 2]! << 16) |
        (from[candidate + 3]! << 24)) !==
        word
    ) {
      // What does not repeat is skipped ever faster.
      at += 1 + (misses++ >>> 6)
      continue
    }
    misses = 0
    let length = MIN_MATCH
    const limit = end - LAST_LITERALS - at
    while (length < limit && from[candidate + length] === from[at + length]) length++
    out = writeSequence(from, anchor, at, length - MIN_MATCH, into, out)
    const distance = at - candidate
    into[out++] = distance & 0xff
    into[out++] = distance >>> 8
    if (length - MIN_MATCH >= 15) out = writeLength(into, out, length - MIN_MATCH - 15)
    at += length
    anchor = at
  }
  return writeSequence(from, anchor, end, 0, into, out)
}

/** Token and literals. */
function writeSequence(
  from: Buffer,
  start: number,
  end: number,
  match: number,
  into: Buffer,
  to: number,
): number {
  const literals = end - start
  let out = to
  into[out++] = ((literals < 15 ? literals : 15) << 4) | (match < 15 ? match : 15)
  if (literals >= 15) out = writeLength(into, out, literals - 15)
  if (literals > LONG) from.copy(into, out, start, end)
  else for (let i = 0; i < literals; i++) into[out + i] = from[start + i]!
  return out + literals
}

function writeLength(into: Buffer, to: number, length: number): number {
  let out = to
  let rest = length
  for (; rest >= 255; rest -= 255) into[out++] = 255
  into[out++] = rest
  return out
}

/**
 * Writes the block `from[start, end)` into `into` at `to`, never at `limit` or beyond; says where it ended, or -1 for
 * bytes that are no block. Matches may reach back to `origin`.
 */
export function decompressBlock(
  from: Buffer,
  start: number,
  end: number,
  into: Buffer,
  to: number,
  limit: number,
  origin: number,
): number {
  let at = start
  let out = to
  while (at < end) {
    const token = from[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (at >= end) return -1
        more = from[at++]!
        literals += more
      }
    }
    if (literals > end - at || literals > limit - out) return -1
    if (literals > LONG) from.copy(into, out, at, at + literals)
    else for (let i = 0; i < literals; i++) into[out + i] = from[at + i]!
    at += literals
    out += literals
    if (at === end) return out
    if (at + 2 > end) return -1
    const distance = from[at]! | (from[at + 1]! << 8)
    at += 2
    let length = token & 15
    if (length === 15) {
      let more = 255
      while (more === 255) {
        if (at >= end) return -1
        more = from[at++]!
        length += more
      }
    }
    length += MIN_MATCH
    const match = out - distance
    if (distance === 0 || match < origin || length > limit - out) return -1
    // A match may reach into what it writes, so that `abab…` is two bytes and a length.
    if (length > LONG && distance >= length) into.copyWithin(out, match, match + length)
    else for (let i = 0; i < length; i++) into[out + i] = into[match + i]!
    out += length
  }
  return -1
}
