import type { Record } from '../../core/record.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'

export type Predicate<K, V> = (value: V, key: K) => boolean

/** Records that pass. A tombstone has no value to test: it passes, so that deletes reach whoever keeps state. */
export function filter<K, V>(
  stream: StreamShape<K, V>,
  predicate: Predicate<K, V>,
  { name, negate }: { readonly name?: string | undefined; readonly negate: boolean },
): StreamShape<K, V> {
  const node = processorNode({
    operator: negate ? 'filterNot' : 'filter',
    prefix: 'KSTREAM-FILTER',
    name,
    parents: [stream.node],
    create: ({ emit }): Processor<K, V | undefined> => ({
      process: (record: Record<K, V | undefined>) => {
        const { value } = record
        if (value === undefined || predicate(value, record.key) !== negate) emit(record)
      },
    }),
  })
  return { ...stream, node }
}
