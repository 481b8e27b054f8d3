import type { Change } from '../../core/record.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'

/** Each change of a table as a record with the new value; a deletion is a tombstone. */
export function toStream<K, V>(
  table: TableShape<K, V>,
  { name }: { readonly name?: string | undefined },
): StreamShape<K, V> {
  const node = processorNode({
    operator: 'toStream',
    prefix: 'KTABLE-TOSTREAM',
    name,
    parents: [table.node],
    relays: true,
    create: ({ emit }): Processor<K, Change<V>> => ({
      process: ({ key, value, timestamp, headers }) =>
        emit({ key, value: value.newValue, timestamp, headers }),
    }),
  })
  return { node, key: table.key, value: table.value, partitioned: table.partitioned }
}
