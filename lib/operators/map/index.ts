import { withoutRevision } from '../../core/headers.js'
import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'

export interface KeyValue<K, V> {
  readonly key: K
  readonly value: V
}

export interface SerdeOptions<K, V> {
  readonly name?: string | undefined
  readonly key?: Serde<any, K> | undefined
  readonly value?: Serde<any, V> | undefined
}

/** One record from one record. A tombstone has no value to map: counted as `null-value`. */
export function map<K, V, K2, V2>(
  stream: StreamShape<K, V>,
  mapper: (value: V, key: K) => KeyValue<K2, V2>,
  { name, key, value }: SerdeOptions<K2, V2>,
): StreamShape<K2, V2> {
  const node = processorNode({
    operator: 'map',
    prefix: 'KSTREAM-MAP',
    name,
    parents: [stream.node],
    relays: true,
    create: ({ emit, drop }): Processor<K, V | undefined> => ({
      process: (record) => {
        if (record.value === undefined) return drop('null-value')
        const mapped = mapper(record.value, record.key)
        emit({
          key: mapped.key,
          value: mapped.value,
          timestamp: record.timestamp,
          headers: withoutRevision(record.headers),
        })
      },
    }),
  })
  return { node, key, value, partitioned: false }
}
