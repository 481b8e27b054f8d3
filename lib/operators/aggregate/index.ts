import { NO_HEADERS, type Record } from '../../core/record.js'
import type { Serde } from '../../serdes/serde.js'
import { timestampedKeyValueStore } from '../../state/stores/timestamped-key-value-store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'
import { presentRows } from '../lookup.js'
import { requireName, requirePartitioned, requireSerde } from '../place.js'

/**
 * One aggregate per key, kept in a table.
 *
 * A record without key or value is dropped and counted. The aggregate's event time is the greatest of its
 * records', as in Kafka Streams. An aggregate of `undefined` deletes the key.
 *
 * @param add called with `undefined` for the first record of a key.
 */
export function aggregate<K, V, A>(
  stream: StreamShape<K, V>,
  add: (aggregate: A | undefined, value: V, key: K) => A | undefined,
  options: {
    readonly operator: string
    readonly name: string | undefined
    readonly value: Serde<any, A> | undefined
  },
): TableShape<K, A> {
  const { operator } = options
  const name = requireName(operator, options.name, stream.node)
  requirePartitioned(operator, name, stream)
  const key = requireSerde('key', stream.key, operator, name, stream.node)
  const value = requireSerde('value', options.value, operator, name, stream.node)
  const store = timestampedKeyValueStore<K, A>(name, { key, value })
  const node = processorNode({
    operator,
    prefix: operator === 'reduce' ? 'KSTREAM-REDUCE' : 'KSTREAM-AGGREGATE',
    name,
    parents: [stream.node],
    stores: [store],
    copartitioned: true,
    create: ({ emit, drop, store: open }): Processor<K, V | undefined> => {
      const aggregates = open(store)
      return {
        process: (record: Record<K, V | undefined>) => {
          if (record.key === undefined || record.key === null) return drop('null-key')
          if (record.value === undefined) return drop('null-value')
          const old = aggregates.get(record.key)
          const newValue = add(old?.value, record.value, record.key)
          // A function that changes the aggregate in place has changed the old value: read it as it was stored.
          const oldValue = isSame(newValue, old?.value) ? aggregates.get(record.key)?.value : old?.value
          const timestamp = Math.max(record.timestamp, old?.timestamp ?? record.timestamp)
          if (newValue === undefined) aggregates.delete(record.key)
          else aggregates.put(record.key, { value: newValue, timestamp })
          emit({ key: record.key, value: { newValue, oldValue }, timestamp, headers: NO_HEADERS })
        },
      }
    },
  })
  return { node, key, value, partitioned: true, lookup: presentRows(store) }
}

const isSame = (a: unknown, b: unknown): boolean => a === b && typeof a === 'object'
