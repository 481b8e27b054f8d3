import { writeInt64 } from './int64.js'
import { createSlab } from './slab.js'
import { MAX_VARINT_BYTES, writeUnsigned } from './varint.js'

/**
 * Kafka's primitive types. A flexible version of a request writes lengths as unsigned varints of one more (0: none) and
 * ends each structure with tagged fields, of which we have none; an older one writes lengths as i16 and i32.
 */
export interface ProtocolWriter {
  int8(value: number): void
  int16(value: number): void
  int32(value: number): void
  /** A safe integer. */
  int64(value: number): void
  boolean(value: boolean): void
  string(value: string | undefined): void
  /** With its length, i32 in every version: batches go in versions that are not flexible. */
  bytes(value: Buffer): void
  array<T>(items: readonly T[], write: (item: T) => void): void
  /** The end of a structure in a flexible version; nothing in others. */
  end(): void
  take(): Buffer
}

export function createWriter(flexible = false, initialBytes = 512): ProtocolWriter {
  const slab = createSlab(initialBytes)
  const length = (count: number): void => {
    const into = slab.reserve(MAX_VARINT_BYTES)
    if (flexible) slab.length = writeUnsigned(into, slab.length, count + 1)
    else slab.length = into.writeInt32BE(count, slab.length)
  }
  const writer: ProtocolWriter = {
    int8(value) {
      slab.length = slab.reserve(1).writeInt8(value, slab.length)
    },
    int16(value) {
      slab.length = slab.reserve(2).writeInt16BE(value, slab.length)
    },
    int32(value) {
      slab.length = slab.reserve(4).writeInt32BE(value, slab.length)
    },
    int64(value) {
      writeInt64(slab.reserve(8), slab.length, value)
      slab.length += 8
    },
    boolean: (value) => writer.int8(value ? 1 : 0),
    string(value) {
      const bytes = value === undefined ? -1 : Buffer.byteLength(value)
      if (flexible) length(bytes)
      else writer.int16(bytes)
      if (value !== undefined) {
        const into = slab.reserve(bytes)
        slab.length += into.write(value, slab.length, bytes, 'utf8')
      }
    },
    bytes(value) {
      writer.int32(value.length)
      slab.length += value.copy(slab.reserve(value.length), slab.length)
    },
    array(items, write) {
      length(items.length)
      for (const item of items) write(item)
    },
    end() {
      if (flexible) writer.int8(0)
    },
    take: () => slab.buffer.subarray(0, slab.length),
  }
  return writer
}
