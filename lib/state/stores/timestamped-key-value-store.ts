import { RevlogError } from '../../core/errors.js'
import { REVISION_BYTES } from '../../core/revision.js'
import type { Serde } from '../../serdes/serde.js'
import type { StoreSpec } from '../store.js'
import { type KeyValueOptions, type KeyValueStore, keyValueStore } from './key-value-store.js'
import { storedSerde } from './stored-serde.js'

/** A value of a table with its event time and, for a table that is a revision log, its revision. */
export interface ValueAndTimestamp<V> {
  readonly value: V
  /** Event time in milliseconds since the epoch. */
  readonly timestamp: number
  /** 16 bytes, see `Revision`; `undefined` when the record had none. */
  readonly revision?: Buffer | undefined
}

export type TimestampedKeyValueStore<K, V> = KeyValueStore<K, ValueAndTimestamp<V>>

/**
 * What a table keeps: values with their event time. Kafka Streams' timestamped key-value store.
 *
 *     event time f64 | flags u8 | revision 16 bytes, if flag 1 | the value, if not flag 2
 *
 * Flag 2 is a deleted row of a revision log, which keeps its revision: its `value` is `undefined`, and it is among
 * the entries of `all` and `range`.
 *
 * @param name names the store in the changelog; it does not change with the topology.
 * @example
 * const profiles = timestampedKeyValueStore('profiles', { key: string(), value: json<Profile>() })
 * store.put('ada', { value: { mood: 'calm' }, timestamp: record.timestamp })
 */
export function timestampedKeyValueStore<K, V>(
  name: string,
  options: KeyValueOptions<K, V>,
): StoreSpec<TimestampedKeyValueStore<K, V>> {
  const { key, value } = options
  return Object.freeze({
    ...keyValueStore(name, { key, value: timestamped(storedSerde(value)) }),
    type: 'timestamped-key-value',
    fingerprint: `timestamped-key-value(${key.name}, ${value.name})`,
  })
}

const HEAD = 9
const HAS_REVISION = 1
const DELETED = 2

function timestamped<V>(serde: Serde<V>): Serde<ValueAndTimestamp<V>> {
  return {
    name: serde.name,
    encode({ value, timestamp, revision }) {
      const body = value === undefined ? undefined : serde.encode(value)
      const start = HEAD + (revision === undefined ? 0 : REVISION_BYTES)
      const bytes = Buffer.allocUnsafe(start + (body?.length ?? 0))
      bytes.writeDoubleBE(timestamp, 0)
      bytes[8] = (revision === undefined ? 0 : HAS_REVISION) | (body === undefined ? DELETED : 0)
      if (revision !== undefined) bytes.set(revision, HEAD)
      if (body !== undefined) bytes.set(body, start)
      return bytes
    },
    decode(bytes) {
      const timestamp = bytes.readDoubleBE(0)
      const flags = bytes[8]!
      if (flags === 0) return { value: serde.decode(bytes.subarray(HEAD)), timestamp }
      if (flags > 3)
        throw new RevlogError('E_STATE_FORMAT', 'a row of a timestamped store has an unknown layout')
      const start = HEAD + ((flags & HAS_REVISION) === 0 ? 0 : REVISION_BYTES)
      const value = (flags & DELETED) === 0 ? serde.decode(bytes.subarray(start)) : (undefined as V)
      const revision = start === HEAD ? undefined : Buffer.from(bytes.subarray(HEAD, start))
      return { value, timestamp, revision }
    },
  }
}
