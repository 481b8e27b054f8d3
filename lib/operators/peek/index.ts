import type { ProcessorNode } from '../../topology/node.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'

/** Looks at each record that has a value, and passes all on. */
export function peek<K, V>(
  stream: StreamShape<K, V>,
  action: (value: V, key: K) => void,
  { name }: { readonly name?: string | undefined },
): StreamShape<K, V> {
  const node = processorNode({
    operator: 'peek',
    prefix: 'KSTREAM-PEEK',
    name,
    parents: [stream.node],
    relays: true,
    create: ({ emit }): Processor<K, V | undefined> => ({
      process: (record) => {
        if (record.value !== undefined) action(record.value, record.key)
        emit(record)
      },
    }),
  })
  return { ...stream, node }
}

/** The end of a stream that goes to no topic. */
export function forEach<K, V>(
  stream: StreamShape<K, V>,
  action: (value: V, key: K) => void,
  { name }: { readonly name?: string | undefined },
): ProcessorNode {
  return processorNode({
    operator: 'forEach',
    prefix: 'KSTREAM-FOREACH',
    name,
    parents: [stream.node],
    create: (): Processor<K, V | undefined> => ({
      process: ({ value, key }) => {
        if (value !== undefined) action(value, key)
      },
    }),
  })
}
