import type { Change, Record } from '../../core/record.js'
import { timestampedKeyValueStore } from '../../state/stores/timestamped-key-value-store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { TableLookup, TableShape } from '../../topology/stream.js'
import { presentRows } from '../lookup.js'
import { requireSerde } from '../place.js'

export interface MaterializedTable<K, V> extends TableShape<K, V> {
  readonly lookup: TableLookup<K, V>
}

/** A table that others look rows up in needs a store; one whose rows can be found already needs no second one. */
export function materialize<K, V>(table: TableShape<K, V>, name: string): MaterializedTable<K, V> {
  if (table.lookup !== undefined) return { ...table, lookup: table.lookup }
  const key = requireSerde('key', table.key, 'materialize', name, table.node)
  const value = requireSerde('value', table.value, 'materialize', name, table.node)
  const store = timestampedKeyValueStore<K, V>(name, { key, value })
  const node = processorNode({
    operator: 'materialize',
    prefix: 'KTABLE-MATERIALIZE',
    name,
    parents: [table.node],
    stores: [store],
    relays: true,
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
  return { ...table, node, lookup: presentRows(store) }
}
