import { type Change, NO_HEADERS, type Record } from '../../core/record.js'
import { keyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import { timestampedKeyValueStore } from '../../state/stores/timestamped-key-value-store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'
import { presentRows } from '../lookup.js'
import { requireName, requireSerde } from '../place.js'
import { repartition } from '../repartition/index.js'
import { changeSerde } from './change-serde.js'

/** A table whose changes were sent to the partition of the group that they belong to. */
export type GroupedTableShape<K, V> = StreamShape<K, Change<V>> & { readonly values: Serde<any, V> }

export interface TableGroupOptions<K, V> {
  /** Names the repartition topic. */
  readonly name: string
  readonly partitions?: number
  readonly key?: Serde<any, K>
  readonly value?: Serde<any, V>
}

/**
 * Groups the rows of a table. A change within a group travels as one record; a row that moves to another group
 * is first taken from the old one and then given to the new one. A version that came out of order in a table with
 * history changes no group: it is counted as `out-of-order`.
 */
export function tableGroupBy<K, V, G>(
  table: TableShape<K, V>,
  group: (value: V, key: K) => G,
  options: TableGroupOptions<G, V>,
): GroupedTableShape<G, V> {
  const name = requireName('groupBy', options.name, table.node)
  const groups = requireSerde('key', options.key, 'groupBy', name, table.node)
  const values = requireSerde('value', options.value ?? table.value, 'groupBy', name, table.node)
  const { toKey } = keyCodec(groups)
  const node = processorNode({
    operator: 'groupBy',
    prefix: 'KTABLE-SELECT',
    name: undefined,
    parents: [table.node],
    yields: 'many',
    create: ({ emit, drop }): Processor<K, Change<V>> => ({
      process: ({ key, value: { newValue, oldValue, outdated }, timestamp }: Record<K, Change<V>>) => {
        if (outdated === true) return drop('out-of-order', { deadLetter: false })
        const from = oldValue === undefined ? undefined : group(oldValue, key)
        const to = newValue === undefined ? undefined : group(newValue, key)
        const headers = NO_HEADERS
        if (from !== undefined && to !== undefined && toKey(from) === toKey(to)) {
          emit({ key: to, value: { newValue, oldValue }, timestamp, headers })
          return
        }
        if (from !== undefined)
          emit({ key: from, value: { newValue: undefined, oldValue }, timestamp, headers })
        if (to !== undefined) emit({ key: to, value: { newValue, oldValue: undefined }, timestamp, headers })
      },
    }),
  })
  const moved = repartition(
    { node, key: groups, value: changeSerde(values), partitioned: false },
    { name, ...(options.partitions === undefined ? {} : { partitions: options.partitions }) },
    'groupBy',
  )
  return { ...moved, values }
}

/**
 * One aggregate per group of a table's rows: a change first subtracts the old value and then adds the new one, so
 * a corrected row corrects the aggregate. Event time as in Kafka Streams: the greatest so far.
 */
export function tableAggregate<K, V, A>(
  grouped: GroupedTableShape<K, V>,
  add: (aggregate: A | undefined, value: V, key: K) => A | undefined,
  subtract: (aggregate: A, value: V, key: K) => A | undefined,
  options: {
    readonly operator: string
    readonly name: string | undefined
    readonly value: Serde<any, A> | undefined
  },
): TableShape<K, A> {
  const { operator } = options
  const name = requireName(operator, options.name, grouped.node)
  const key = requireSerde('key', grouped.key, operator, name, grouped.node)
  const value = requireSerde('value', options.value, operator, name, grouped.node)
  const store = timestampedKeyValueStore<K, A>(name, { key, value })
  const node = processorNode({
    operator,
    prefix: operator === 'reduce' ? 'KTABLE-REDUCE' : 'KTABLE-AGGREGATE',
    name,
    parents: [grouped.node],
    stores: [store],
    create: ({ emit, store: open }): Processor<K, Change<V>> => {
      const aggregates = open(store)
      return {
        process: ({ key: k, value: change, timestamp: time }: Record<K, Change<V>>) => {
          const old = aggregates.get(k)
          const timestamp = Math.max(time, old?.timestamp ?? time)
          const without =
            old === undefined || change.oldValue === undefined
              ? old?.value
              : subtract(old.value, change.oldValue, k)
          const newValue = change.newValue === undefined ? without : add(without, change.newValue, k)
          // `old.value` may be what a function of the user's changed in place: read it again where it counts.
          const oldValue = typeof old?.value === 'object' ? aggregates.get(k)?.value : old?.value
          if (newValue === undefined) aggregates.delete(k)
          else aggregates.put(k, { value: newValue, timestamp })
          emit({ key: k, value: { newValue, oldValue }, timestamp, headers: NO_HEADERS })
        },
      }
    },
  })
  return { node, key, value, partitioned: true, lookup: presentRows(store) }
}
