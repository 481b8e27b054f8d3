import type { Change, Record } from '../../core/record.js'
import type { StoreSpec } from '../../state/store.js'
import {
  type TimestampedKeyValueStore,
  timestampedKeyValueStore,
} from '../../state/stores/timestamped-key-value-store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { TableShape } from '../../topology/stream.js'
import { requireSerde } from '../place.js'

export interface MaterializedTable<K, V> extends TableShape<K, V> {
  readonly store: StoreSpec<TimestampedKeyValueStore<K, V>>
}

/** A table that others look rows up in needs a store; one that has a store already keeps it. */
export function materialize<K, V>(table: TableShape<K, V>, name: string): MaterializedTable<K, V> {
  if (table.store !== undefined) return { ...table, store: table.store }
  const key = requireSerde('key', table.key, 'materialize', name, table.node)
  const value = requireSerde('value', table.value, 'materialize', name, table.node)
  const store = timestampedKeyValueStore<K, V>(name, { key, value })
  const node = processorNode({
    operator: 'materialize',
    prefix: 'KTABLE-MATERIALIZE',
    name,
    parents: [table.node],
    stores: [store],
    create: ({ emit, store: open }): Processor<K, Change<V>> => {
      const rows = open(store)
      return {
        process: (record: Record<K, Change<V>>) => {
          const { key: k, value: change, timestamp } = record
          if (change.newValue === undefined) rows.delete(k)
          else rows.put(k, { value: change.newValue, timestamp })
          emit(record)
        },
      }
    },
  })
  return { ...table, node, store }
}
