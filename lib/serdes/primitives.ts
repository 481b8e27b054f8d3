import { keyOfText, textOfBytes, textOfKey } from '../core/binary-key.js'
import { RevlogError } from '../core/errors.js'
import type { Serde } from './serde.js'

const STRING: Serde<string> = Object.freeze({
  name: 'string',
  encode: (value: string) => {
    if (typeof value !== 'string') throw wrongType('string', 'a string', value)
    return Buffer.from(value, 'utf8')
  },
  decode: textOfBytes,
  toKey: (value: string) => {
    if (typeof value !== 'string') throw wrongType('string', 'a string', value)
    return keyOfText(value)
  },
  fromKey: textOfKey,
})

/**
 * UTF-8 text, as Kafka's `StringSerializer`. A lone surrogate is not text: it becomes U+FFFD.
 *
 * @example topic('moods', { key: string(), value: json<Mood>() })
 */
export const string = (): Serde<string> => STRING

const BYTES: Serde<Buffer> = Object.freeze({
  name: 'bytes',
  encode: (value: Buffer) => {
    if (!(value instanceof Uint8Array)) throw wrongType('bytes', 'a Buffer', value)
    return Buffer.isBuffer(value) ? value : Buffer.from(value)
  },
  decode: (bytes: Buffer) => bytes,
})

/** Bytes as they are, without a copy: a value that is kept must not be changed. */
export const bytes = (): Serde<Buffer> => BYTES

const fixed = (
  name: string,
  size: number,
  write: (b: Buffer, value: number) => void,
  read: (b: Buffer) => number,
  valid: (value: number) => boolean,
  what: string,
): Serde<number> =>
  Object.freeze({
    name,
    encode: (value: number) => {
      if (typeof value !== 'number' || !valid(value)) throw wrongType(name, what, value)
      const b = Buffer.allocUnsafe(size)
      write(b, value)
      return b
    },
    decode: (b: Buffer) => {
      if (b.length !== size) throw wrongLength(name, size, b.length)
      return read(b)
    },
  })

const FLOAT64 = fixed(
  'float64',
  8,
  (b, v) => b.writeDoubleBE(v, 0),
  (b) => b.readDoubleBE(0),
  () => true,
  'a number',
)
const FLOAT32 = fixed(
  'float32',
  4,
  (b, v) => b.writeFloatBE(v, 0),
  (b) => b.readFloatBE(0),
  () => true,
  'a number',
)
const INT32 = fixed(
  'int32',
  4,
  (b, v) => b.writeInt32BE(v, 0),
  (b) => b.readInt32BE(0),
  (v) => (v | 0) === v,
  'an integer of 32 bits',
)
const INT64 = fixed(
  'int64',
  8,
  (b, v) => {
    b.writeInt32BE(Math.floor(v / 0x1_0000_0000), 0)
    b.writeUInt32BE(v >>> 0, 4)
  },
  (b) => {
    const value = b.readInt32BE(0) * 0x1_0000_0000 + b.readUInt32BE(4)
    if (!Number.isSafeInteger(value)) {
      throw new RevlogError(
        'E_UNSAFE_INTEGER',
        `${b.readBigInt64BE(0)} does not fit into a number without loss`,
        {
          remedy: 'use bigint64() for this field',
        },
      )
    }
    return value
  },
  Number.isSafeInteger,
  'a safe integer',
)
const BIGINT64: Serde<bigint> = Object.freeze({
  name: 'bigint64',
  encode: (value: bigint) => {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
      throw wrongType('bigint64', 'a bigint of 64 bits', value)
    }
    const b = Buffer.allocUnsafe(8)
    b.writeBigInt64BE(value, 0)
    return b
  },
  decode: (b: Buffer) => {
    if (b.length !== 8) throw wrongLength('bigint64', 8, b.length)
    return b.readBigInt64BE(0)
  },
})
const BOOLEAN: Serde<boolean> = Object.freeze({
  name: 'boolean',
  encode: (value: boolean) => {
    if (typeof value !== 'boolean') throw wrongType('boolean', 'true or false', value)
    return Buffer.of(value ? 1 : 0)
  },
  decode: (b: Buffer) => {
    if (b.length !== 1) throw wrongLength('boolean', 1, b.length)
    return b[0] !== 0
  },
})

/** IEEE 754 double, 8 bytes big-endian, as Kafka's `DoubleSerializer`. */
export const float64 = (): Serde<number> => FLOAT64
/** IEEE 754 single, 4 bytes big-endian, as Kafka's `FloatSerializer`. */
export const float32 = (): Serde<number> => FLOAT32
/** 4 bytes big-endian, as Kafka's `IntegerSerializer`. Anything but an integer of 32 bits is refused. */
export const int32 = (): Serde<number> => INT32
/** 8 bytes big-endian, as Kafka's `LongSerializer`. What is beyond ±(2^53 − 1) is refused, not rounded: see {@link bigint64}. */
export const int64 = (): Serde<number> => INT64
/** 8 bytes big-endian, as Kafka's `LongSerializer`, in full. */
export const bigint64 = (): Serde<bigint> => BIGINT64
/** One byte, as Kafka's `BooleanSerializer`. */
export const boolean = (): Serde<boolean> => BOOLEAN

function wrongType(serde: string, expected: string, value: unknown): RevlogError {
  const got = value === null ? 'null' : typeof value === 'number' ? String(value) : typeof value
  return new RevlogError('E_SERIALIZATION', `${serde}() writes ${expected}, not ${got}`, {
    remedy: 'give the topic or store the serde of the values that are sent to it',
  })
}

function wrongLength(serde: string, expected: number, got: number): RevlogError {
  return new RevlogError('E_DESERIALIZATION', `${serde}() reads ${expected} byte(s), there are ${got}`)
}
