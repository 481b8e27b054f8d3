import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'

/** One value from one value; the key stays. A tombstone passes through. */
export function mapValues<K, V, W>(
  stream: StreamShape<K, V>,
  mapper: (value: V, key: K) => W,
  { name, value }: { readonly name?: string | undefined; readonly value?: Serde<any, W> | undefined },
): StreamShape<K, W> {
  const node = processorNode({
    operator: 'mapValues',
    prefix: 'KSTREAM-MAPVALUES',
    name,
    parents: [stream.node],
    relays: true,
    create: ({ emit }): Processor<K, V | undefined> => ({
      process: ({ key, value, timestamp, headers }) =>
        emit({ key, value: value === undefined ? undefined : mapper(value, key), timestamp, headers }),
    }),
  })
  return { node, key: stream.key, value, partitioned: stream.partitioned }
}
