import { RevlogError } from '../../../core/errors.js'
import { readInt64 } from './int64.js'
import { type Cursor, readUnsigned32 } from './varint.js'

/** The inverse of `ProtocolWriter`. It never reads beyond the answer, nor believes a length that cannot be. */
export interface ProtocolReader {
  int8(): number
  int16(): number
  int32(): number
  /** Exact as far as numbers are. */
  int64(): number
  boolean(): boolean
  /** One that may be missing. */
  optionalString(): string | undefined
  /** One that may not: `''` when it is. */
  string(): string
  /** With an i32 length; empty when missing. Part of the answer, not a copy. */
  bytes(): Buffer
  /** Empty when missing. */
  array<T>(read: () => T): T[]
  /** The end of a structure in a flexible version: tagged fields are passed over. */
  end(): void
}

/** @throws RevlogError `E_KAFKA_PROTOCOL` from every method, when the answer breaks off or cannot be */
export function createReader(answer: Buffer, apiName: string, flexible = false): ProtocolReader {
  const cursor: Cursor = { at: 0 }

  const broken = (what: string): RevlogError =>
    new RevlogError('E_KAFKA_PROTOCOL', `the answer to ${apiName} ${what}`, {
      remedy: 'is it a Kafka broker that answers? a proxy between it and this client may damage answers',
    })
  const take = (bytes: number): number => {
    const at = cursor.at
    if (bytes > answer.length - at) throw broken(`breaks off at byte ${answer.length}`)
    cursor.at = at + bytes
    return at
  }
  const unsigned = (): number => {
    const value = readUnsigned32(answer, cursor, answer.length)
    if (value < 0) throw broken(`has no number at byte ${cursor.at}`)
    return value
  }
  const text = (length: number): string | undefined => {
    if (length < -1) throw broken(`has a text of ${length} bytes`)
    if (length === -1) return undefined
    const at = take(length)
    return answer.toString('utf8', at, at + length)
  }
  const reader: ProtocolReader = {
    int8: () => answer.readInt8(take(1)),
    int16: () => answer.readInt16BE(take(2)),
    int32: () => answer.readInt32BE(take(4)),
    int64: () => readInt64(answer, take(8)),
    boolean: () => reader.int8() !== 0,
    optionalString: () => text(flexible ? unsigned() - 1 : reader.int16()),
    string: () => reader.optionalString() ?? '',
    bytes() {
      const length = reader.int32()
      if (length < -1) throw broken(`has ${length} bytes of records`)
      const at = take(Math.max(length, 0))
      return answer.subarray(at, cursor.at)
    },
    array(read) {
      const count = flexible ? unsigned() - 1 : reader.int32()
      // Each item has a byte at least.
      if (count < -1 || count > answer.length - cursor.at) throw broken(`has a list of ${count} items`)
      const items = []
      for (let i = 0; i < count; i++) items.push(read())
      return items
    },
    end() {
      if (!flexible) return
      for (let fields = unsigned(); fields > 0; fields--) {
        unsigned()
        take(unsigned())
      }
    },
  }
  return reader
}
