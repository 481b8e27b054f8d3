import { type BinaryKey, bytesOfKey, keyOfBytes } from '../core/binary-key.js'
import type { Serde } from './serde.js'

/** How a store turns keys into ordered bytes and back. */
export interface KeyCodec<K> {
  readonly toKey: (key: K) => BinaryKey
  readonly fromKey: (key: BinaryKey) => K
}

export function keyCodec<K>(serde: Serde<K>): KeyCodec<K> {
  return {
    toKey: serde.toKey ?? ((key) => keyOfBytes(serde.encode(key))),
    fromKey: serde.fromKey ?? ((key) => serde.decode(bytesOfKey(key))),
  }
}
