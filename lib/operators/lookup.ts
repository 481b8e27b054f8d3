import type { StoreSpec } from '../state/store.js'
import type { TimestampedKeyValueStore } from '../state/stores/timestamped-key-value-store.js'
import type { VersionedStore } from '../state/stores/versioned-store.js'
import type { TableLookup } from '../topology/stream.js'

/** Rows as they are now. */
export const presentRows = <K, V>(store: StoreSpec<TimestampedKeyValueStore<K, V>>): TableLookup<K, V> => ({
  store,
  versioned: false,
  open: (rows: TimestampedKeyValueStore<K, V>) => (key) => rows.get(key)?.value,
})

/** Rows as they were at the time of whoever asks; absent where history does not reach so far. */
export const pastRows = <K, V>(store: StoreSpec<VersionedStore<K, V>>): TableLookup<K, V> => ({
  store,
  versioned: true,
  open: (rows: VersionedStore<K, V>) => (key, asOf) => rows.get(key, asOf)?.value,
})

/** Rows that are computed from those of another table when they are asked for. */
export function derivedRows<K, V, W>(
  from: TableLookup<K, V> | undefined,
  derive: (value: V, key: K) => W | undefined,
): TableLookup<K, W> | undefined {
  if (from === undefined) return undefined
  return {
    store: from.store,
    versioned: from.versioned,
    open: (store) => {
      const rowOf = from.open(store)
      return (key, asOf) => {
        const value = rowOf(key, asOf)
        return value === undefined ? undefined : derive(value, key)
      }
    },
  }
}
