import { type Serde, trusted } from '../../serdes/serde.js'

/**
 * How a store writes its values: without checking again what revlog wrote itself, and never sharing memory with a
 * row. A serde may hand out the very bytes that it was given (`bytes()` does); then a caller who goes on using
 * their buffer would change what is stored.
 */
export function storedSerde<V>(serde: Serde<any, V>): Serde<V> {
  const { name, encode, decode } = trusted(serde)
  return {
    name,
    encode(value) {
      const bytes = encode(value)
      return Object.is(bytes, value) ? Buffer.from(bytes) : bytes
    },
    decode(bytes) {
      const value = decode(bytes)
      return Object.is(bytes, value) ? (Buffer.from(bytes) as V) : value
    },
  }
}
