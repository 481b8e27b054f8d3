import { withoutRevision } from '../../core/headers.js'
import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'
import type { KeyValue, SerdeOptions } from '../map/index.js'

/**
 * Any number of records from one record, in the order in which they are returned. A generator is run to its end
 * before the first record is passed on: when it throws, nothing of it was.
 */
export function flatMap<K, V, K2, V2>(
  stream: StreamShape<K, V>,
  mapper: (value: V, key: K) => Iterable<KeyValue<K2, V2>>,
  { name, key, value }: SerdeOptions<K2, V2>,
): StreamShape<K2, V2> {
  const node = processorNode({
    operator: 'flatMap',
    prefix: 'KSTREAM-FLATMAP',
    name,
    parents: [stream.node],
    yields: 'many',
    create: ({ emit, drop }): Processor<K, V | undefined> => ({
      process: (record) => {
        if (record.value === undefined) return drop('null-value')
        const headers = withoutRevision(record.headers)
        for (const mapped of listOf(mapper(record.value, record.key))) {
          emit({ key: mapped.key, value: mapped.value, timestamp: record.timestamp, headers })
        }
      },
    }),
  })
  return { node, key, value, partitioned: false }
}

/** Any number of values from one value; the key stays. */
export function flatMapValues<K, V, W>(
  stream: StreamShape<K, V>,
  mapper: (value: V, key: K) => Iterable<W>,
  { name, value }: { readonly name?: string | undefined; readonly value?: Serde<any, W> | undefined },
): StreamShape<K, W> {
  const node = processorNode({
    operator: 'flatMapValues',
    prefix: 'KSTREAM-FLATMAPVALUES',
    name,
    parents: [stream.node],
    yields: 'many',
    create: ({ emit, drop }): Processor<K, V | undefined> => ({
      process: (record) => {
        if (record.value === undefined) return drop('null-value')
        const headers = withoutRevision(record.headers)
        for (const mapped of listOf(mapper(record.value, record.key))) {
          emit({ key: record.key, value: mapped, timestamp: record.timestamp, headers })
        }
      },
    }),
  })
  return { node, key: stream.key, value, partitioned: stream.partitioned }
}

const listOf = <T>(items: Iterable<T>): readonly T[] => (Array.isArray(items) ? items : [...items])
