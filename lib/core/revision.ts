import { RevlogError } from './errors.js'

/**
 * Which answer of a revision log a record is: which left record, and how much of the right side was known.
 *
 *     generation u16 | left offset u48 | ordinal u16 | right position u48        16 bytes, big-endian
 *
 * Comparing the bytes compares the revisions, in any language or database. Equal revisions of one id have equal
 * values, whoever emitted them and however often; so a reader that keeps the greatest needs nothing else.
 */
export interface Revision {
  /** Rises when offsets start again or answers are meant to change. */
  readonly generation: number
  readonly leftOffset: number
  /** Numbers several left events made from one left record. */
  readonly ordinal: number
  /** The next offset of the right partition to be read. */
  readonly rightPosition: number
}

/** The names of the headers that a revision log carries. */
export const REVISION_HEADERS = Object.freeze({
  /** 16 bytes, see {@link Revision}. */
  revision: 'revlog-revision',
  /** Event time of the matched right version: milliseconds, int64 big-endian. Absent without a match. */
  asOf: 'revlog-as-of',
  /** The right record that caused a correction: `topic-partition@offset` in UTF-8. Absent on a first answer. */
  cause: 'revlog-cause',
  /** One byte, 1: this answer will not change any more. */
  final: 'revlog-final',
  /** One byte, 1: the left event was behind the horizon when it arrived. */
  late: 'revlog-late',
  /** One byte, 1: history that this answer may have needed had been purged. */
  historyExpired: 'revlog-history-expired',
})

export const REVISION_BYTES = 16
const U16 = 0xffff
const U48 = 0xffff_ffff_ffff

export function encodeRevision(r: Revision): Buffer {
  if (r.ordinal > U16) {
    throw new RevlogError('E_REVISION_ORDINAL', `one left record became more than ${U16 + 1} left events`, {
      remedy: 'write the events to a topic first (repartition), so that each has an offset of its own',
    })
  }
  const bytes = Buffer.allocUnsafe(REVISION_BYTES)
  writeU16(bytes, 0, r.generation)
  writeU48(bytes, 2, r.leftOffset)
  writeU16(bytes, 8, r.ordinal)
  writeU48(bytes, 10, r.rightPosition)
  return bytes
}

export function decodeRevision(bytes: Uint8Array): Revision {
  if (bytes.length !== REVISION_BYTES) {
    throw new RevlogError('E_REVISION', `a revision has ${REVISION_BYTES} bytes, this has ${bytes.length}`)
  }
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    generation: b.readUInt16BE(0),
    leftOffset: b.readUIntBE(2, 6),
    ordinal: b.readUInt16BE(8),
    rightPosition: b.readUIntBE(10, 6),
  }
}

/** Negative, zero or positive, as for `Array.prototype.sort`; compares revisions as bytes. */
export function compareRevisions(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** `12.47` (left offset, right position); `g2:12#1.47` with generation and ordinal when they are not 0. */
export function formatRevision(bytes: Uint8Array): string {
  const r = decodeRevision(bytes)
  const generation = r.generation === 0 ? '' : `g${r.generation}:`
  const ordinal = r.ordinal === 0 ? '' : `#${r.ordinal}`
  return `${generation}${r.leftOffset}${ordinal}.${r.rightPosition}`
}

function writeU16(b: Buffer, at: number, n: number): void {
  b[at] = n >>> 8
  b[at + 1] = n
}

function writeU48(b: Buffer, at: number, n: number): void {
  if (n > U48) throw new RevlogError('E_REVISION', `${n} does not fit into 48 bits`)
  const high = Math.floor(n / 0x1_0000_0000)
  b[at] = high >>> 8
  b[at + 1] = high
  b[at + 2] = n >>> 24
  b[at + 3] = n >>> 16
  b[at + 4] = n >>> 8
  b[at + 5] = n
}
