import type { Change, Record } from '../../core/record.js'
import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { TableShape } from '../../topology/stream.js'
import type { Predicate } from '../filter/index.js'
import { derivedRows } from '../lookup.js'

/**
 * Applies a function to both values of each change. With `quiet` a change from nothing to nothing is not passed
 * on, so no tombstone is written for a row that never was in the result; a table with history passes it on, since
 * the old value says nothing about a version that came out of order.
 */
function mapChanges<K, V, W>(
  table: TableShape<K, V>,
  map: (value: V, key: K) => W | undefined,
  quiet: boolean,
  node: { readonly operator: string; readonly prefix: string; readonly name: string | undefined },
) {
  const suppress = quiet && table.lookup?.versioned !== true
  return processorNode({
    ...node,
    parents: [table.node],
    relays: !quiet,
    create: ({ emit }): Processor<K, Change<V>> => ({
      process: ({ key, value: change, timestamp, headers }: Record<K, Change<V>>) => {
        const oldValue = change.oldValue === undefined ? undefined : map(change.oldValue, key)
        const newValue = change.newValue === undefined ? undefined : map(change.newValue, key)
        if (suppress && oldValue === undefined && newValue === undefined) return
        const value: Change<W> =
          change.outdated === true ? { newValue, oldValue, outdated: true } : { newValue, oldValue }
        emit({ key, value, timestamp, headers })
      },
    }),
  })
}

/**
 * A row that no longer passes is deleted from the result; one that never passed never was in it, so nothing is
 * said of it: what Kafka Streams' `KTable.filter` does when old values are asked for, which here they always are.
 */
export function tableFilter<K, V>(
  table: TableShape<K, V>,
  predicate: Predicate<K, V>,
  { name, negate }: { readonly name?: string | undefined; readonly negate: boolean },
): TableShape<K, V> {
  const passing = (value: V, key: K): V | undefined => (predicate(value, key) !== negate ? value : undefined)
  const node = mapChanges(table, passing, true, {
    operator: negate ? 'filterNot' : 'filter',
    prefix: 'KTABLE-FILTER',
    name,
  })
  return { ...table, node, lookup: derivedRows(table.lookup, passing) }
}

/** The mapper is called for the old value too, so it must be pure. */
export function tableMapValues<K, V, W>(
  table: TableShape<K, V>,
  mapper: (value: V, key: K) => W,
  { name, value }: { readonly name?: string | undefined; readonly value?: Serde<any, W> | undefined },
): TableShape<K, W> {
  const node = mapChanges(table, mapper, false, {
    operator: 'mapValues',
    prefix: 'KTABLE-MAPVALUES',
    name,
  })
  return {
    node,
    key: table.key,
    value,
    partitioned: table.partitioned,
    lookup: derivedRows(table.lookup, mapper),
  }
}
