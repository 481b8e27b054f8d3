import type { BinaryKey } from '../../core/binary-key.js'
import type { PageReader, PageWriter } from '../../core/page.js'
import { type Header, type Headers, NO_HEADERS } from '../../core/record.js'
import type { EntryCodec } from './heads.js'

/** A right record at its event time. Values are kept as bytes and decoded when they are first asked for. */
export interface Version {
  readonly t: number
  /** Of the right record, to name the cause of corrections and to break ties. */
  readonly offset: number
  /** What `sequence` said; 0 without it. */
  readonly sequence: number
  /** `undefined` for a tombstone: no value from `t` on. */
  readonly bytes: Buffer | undefined
  value: unknown
  /** What answers from it say of it, once there is one. */
  asOf: Header | undefined
  /** About how many bytes it takes in a row. */
  readonly size: number
}

/** A left event whose answer may still change. */
export interface Left {
  readonly t: number
  /** Key bytes of the business id; empty when the event's offset is its id. */
  readonly id: BinaryKey
  readonly offset: number
  readonly ordinal: number
  readonly headers: Headers
  readonly bytes: Buffer
  value: unknown
  /** {@link ANSWERED}, {@link CORRECTED}. */
  flags: number
  /** Event time of the operator when the first answer was given. */
  answeredAt: number
  /** What the last answer was made from, while a review of it is due: `null` for no match. */
  mark: Version | null | undefined
  /** About how many bytes it takes in a row, without its mark. */
  readonly size: number
}

/** The first answer was given. */
export const ANSWERED = 1
/** The first answer was wrong. */
export const CORRECTED = 2

/** Marks a value that was not decoded yet. */
export const ENCODED: unique symbol = Symbol('encoded')

export const versionSize = (bytes: Buffer | undefined): number =>
  24 + (bytes === undefined ? 0 : bytes.length)

export const leftSize = (id: BinaryKey, headers: Headers, bytes: Buffer): number =>
  40 + id.length + bytes.length + headersSize(headers)

function headersSize(headers: Headers): number {
  let size = 1
  for (let i = 0; i < headers.length; i++) {
    const { key, value } = headers[i]!
    size += key.length + (value?.length ?? 0) + 3
  }
  return size
}

export const versionCodec: Omit<EntryCodec<Version>, 'goneAt'> = {
  write({ t, offset, sequence, bytes }, to) {
    to.time(t)
    to.varint(offset)
    to.time(sequence)
    to.u8(bytes === undefined ? 0 : 1)
    if (bytes !== undefined) to.bytes(bytes)
  },
  read(from) {
    const t = from.time()
    const offset = from.varint()
    const sequence = from.time()
    const bytes = from.u8() === 0 ? undefined : from.bytes()
    return {
      t,
      offset,
      sequence,
      bytes,
      value: ENCODED,
      asOf: undefined,
      size: versionSize(bytes),
    }
  },
  settle(version) {
    version.value = ENCODED
    version.asOf = undefined
  },
}

const MARK_NONE = 4
const MARK_VERSION = 8

export const leftCodec: Omit<EntryCodec<Left>, 'goneAt'> = {
  write(left, to) {
    const { mark } = left
    to.time(left.t)
    to.text(left.id)
    to.varint(left.offset)
    to.varint(left.ordinal)
    to.u8(left.flags | (mark === undefined ? 0 : mark === null ? MARK_NONE : MARK_VERSION))
    to.time(left.answeredAt)
    writeHeaders(left.headers, to)
    to.bytes(left.bytes)
    if (mark !== undefined && mark !== null) versionCodec.write(mark, to)
  },
  read(from) {
    const t = from.time()
    const id = from.text()
    const offset = from.varint()
    const ordinal = from.varint()
    const flags = from.u8()
    const answeredAt = from.time()
    const headers = readHeaders(from)
    const bytes = from.bytes()
    const mark =
      (flags & MARK_VERSION) !== 0 ? versionCodec.read(from) : (flags & MARK_NONE) !== 0 ? null : undefined
    return {
      t,
      id,
      offset,
      ordinal,
      headers,
      bytes,
      value: ENCODED,
      flags: flags & 3,
      answeredAt,
      mark,
      size: leftSize(id, headers, bytes),
    }
  },
  settle(left) {
    left.value = ENCODED
    if (left.mark) left.mark.value = ENCODED
  },
}

function writeHeaders(headers: Headers, to: PageWriter): void {
  to.varint(headers.length)
  for (const { key, value } of headers) {
    to.bytes(Buffer.from(key, 'utf8'))
    to.u8(value === undefined ? 0 : 1)
    if (value !== undefined) to.bytes(value)
  }
}

function readHeaders(from: PageReader): Headers {
  const count = from.varint()
  if (count === 0) return NO_HEADERS
  return Array.from({ length: count }, (): Header => {
    const key = from.bytes().toString('utf8')
    return { key, value: from.u8() === 0 ? undefined : from.bytes() }
  })
}
