import { afterPrefix, type BinaryKey } from '../../core/binary-key.js'
import { keyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import type { StoreAccess, StoreSpec } from '../store.js'
import { storedSerde } from './stored-serde.js'

export interface Entry<K, V> {
  readonly key: K
  readonly value: V
}

/**
 * Values by key, ordered by the bytes of the keys, as Kafka Streams' key-value store. What is put is encoded at
 * once and what is read is decoded anew: later changes to either object are not seen by the store.
 *
 * Entries may be put and deleted while a range is walked; what is written ahead of the walk may or may not be seen.
 *
 * @throws RevlogError `E_KEY_TOO_LONG` for a key that takes more than 1,899 bytes; `E_SERIALIZATION` for a value of
 * the wrong type.
 */
export interface KeyValueStore<K, V> {
  /** `undefined` when there is none. */
  get(key: K): V | undefined
  put(key: K, value: V): void
  /** The value that was there already, which then stays; `undefined` when there was none and `value` was put. */
  putIfAbsent(key: K, value: V): V | undefined
  /** The value that was there; `undefined` when there was none. */
  delete(key: K): V | undefined
  /** Entries with `from <= key <= to`, ascending by key bytes; an open end when `undefined`. */
  range(from: K | undefined, to: K | undefined): IterableIterator<Entry<K, V>>
  /** The same entries, descending. */
  reverseRange(from: K | undefined, to: K | undefined): IterableIterator<Entry<K, V>>
  /** Every entry, ascending by key bytes. */
  all(): IterableIterator<Entry<K, V>>
  reverseAll(): IterableIterator<Entry<K, V>>
  /** Entries whose key bytes begin with those of `prefix`, ascending. */
  prefixScan<P>(prefix: P, serde: Serde<P>): IterableIterator<Entry<K, V>>
}

/** A zero-length key is a key, but no engine stores one: `''` becomes `00`, and what begins with `00` gets another. */
const rowKey = (key: BinaryKey): BinaryKey => (key === '' || key.startsWith('\0') ? `\0${key}` : key)
const keyOfRow = (row: BinaryKey): BinaryKey => (row.startsWith('\0') ? row.slice(1) : row)

export interface KeyValueOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<any, V>
}

/**
 * A key-value store as a value: hand it to `.process(..., { stores: [totals] })` and open it there.
 *
 * @param name names the store in the changelog; it does not change with the topology.
 * @example const totals = keyValueStore('totals', { key: string(), value: float64() })
 */
export function keyValueStore<K, V>(
  name: string,
  { key, value }: KeyValueOptions<K, V>,
): StoreSpec<KeyValueStore<K, V>> {
  return Object.freeze({
    name,
    type: 'key-value',
    fingerprint: `key-value(${key.name}, ${value.name})`,
    open: (access: StoreAccess) => openKeyValueStore(access, key, storedSerde(value)),
  })
}

function openKeyValueStore<K, V>(
  { rows }: StoreAccess,
  keySerde: Serde<K>,
  serde: Serde<V>,
): KeyValueStore<K, V> {
  const { toKey, fromKey } = keyCodec(keySerde)
  const read = (key: BinaryKey): V | undefined => {
    const bytes = rows.get(key)
    return bytes === undefined ? undefined : serde.decode(bytes)
  }
  function* entries(from: BinaryKey | undefined, to: BinaryKey | undefined, reverse: boolean) {
    for (const row of rows.rows({ from, to, reverse })) {
      yield { key: fromKey(keyOfRow(row.key)), value: serde.decode(row.value) }
    }
  }
  const bounds = (from: K | undefined, to: K | undefined) =>
    [
      from === undefined ? undefined : rowKey(toKey(from)),
      to === undefined ? undefined : `${rowKey(toKey(to))}\0`,
    ] as const
  return {
    get: (key) => read(rowKey(toKey(key))),
    put(key, value) {
      rows.put(rowKey(toKey(key)), serde.encode(value))
    },
    putIfAbsent(key, value) {
      const row = rowKey(toKey(key))
      const known = read(row)
      if (known === undefined) rows.put(row, serde.encode(value))
      return known
    },
    delete(key) {
      const row = rowKey(toKey(key))
      const known = read(row)
      if (known !== undefined) rows.delete(row)
      return known
    },
    range: (from, to) => entries(...bounds(from, to), false),
    reverseRange: (from, to) => entries(...bounds(from, to), true),
    all: () => entries(undefined, undefined, false),
    reverseAll: () => entries(undefined, undefined, true),
    prefixScan(prefix, prefixSerde) {
      const bytes = keyCodec(prefixSerde).toKey(prefix)
      if (bytes === '') return entries(undefined, undefined, false) // every key begins with nothing
      const from = rowKey(bytes)
      return entries(from, afterPrefix(from), false)
    },
  }
}
