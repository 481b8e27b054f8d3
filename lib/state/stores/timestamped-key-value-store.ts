import { RevlogError } from '../../core/errors.js'
import { REVISION_BYTES } from '../../core/revision.js'
import type { Serde } from '../../serdes/serde.js'
import type { StoreSpec } from '../store.js'
import { type KeyValueOptions, type KeyValueStore, keyValueStore } from './key-value-store.js'

/** A value of a table with its event time and, for a table that is a revision log, its revision. */
export interface ValueAndTimestamp<V> {
  readonly value: V
  readonly timestamp: number
  /** 16 bytes, see `Revision`; `undefined` when the record had none. */
  readonly revision?: Buffer | undefined
}

export type TimestampedKeyValueStore<K, V> = KeyValueStore<K, ValueAndTimestamp<V>>

/**
 * What a table keeps: values with their event time. Kafka Streams' timestamped key-value store.
 *
 *     event time f64 | has revision u8 | revision 16 bytes, if so | the value
 */
export function timestampedKeyValueStore<K, V>(
  name: string,
  options: KeyValueOptions<K, V>,
): StoreSpec<TimestampedKeyValueStore<K, V>> {
  const { key, value } = options
  const inner = value.trusted ?? value
  return Object.freeze({
    ...keyValueStore(name, { key, value: timestamped(inner) }),
    type: 'timestamped-key-value',
    fingerprint: `timestamped-key-value(${key.name}, ${value.name})`,
  })
}

const HEAD = 9

function timestamped<V>(serde: Serde<V>): Serde<ValueAndTimestamp<V>> {
  return {
    name: serde.name,
    encode({ value, timestamp, revision }) {
      const body = serde.encode(value)
      const start = HEAD + (revision === undefined ? 0 : REVISION_BYTES)
      const bytes = Buffer.allocUnsafe(start + body.length)
      bytes.writeDoubleBE(timestamp, 0)
      bytes[8] = revision === undefined ? 0 : 1
      if (revision !== undefined) bytes.set(revision, HEAD)
      bytes.set(body, start)
      return bytes
    },
    decode(bytes) {
      const timestamp = bytes.readDoubleBE(0)
      if (bytes[8] === 0) return { value: serde.decode(bytes.subarray(HEAD)), timestamp }
      if (bytes[8] !== 1)
        throw new RevlogError('E_STATE_FORMAT', 'a row of a timestamped store has an unknown layout')
      const start = HEAD + REVISION_BYTES
      return {
        value: serde.decode(bytes.subarray(start)),
        timestamp,
        revision: Buffer.from(bytes.subarray(HEAD, start)),
      }
    },
  }
}
