import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'
import type { Predicate } from '../filter/index.js'

/**
 * Streams by name. A record goes to the first branch whose predicate it passes, else to the default branch if
 * there is one, else nowhere, as in Kafka Streams. A tombstone has no value to test and goes to every branch:
 * whoever keeps a value of its key has to hear of its end.
 */
export function split<K, V>(
  stream: StreamShape<K, V>,
  predicates: readonly (readonly [branch: string, predicate: Predicate<K, V>])[],
  { otherwise, name }: { readonly otherwise: string | undefined; readonly name?: string | undefined },
): ReadonlyMap<string, StreamShape<K, V>> {
  const branchOf = (value: V, key: K): number => {
    for (let i = 0; i < predicates.length; i++) if (predicates[i]![1](value, key)) return i
    return predicates.length
  }
  const names = [...predicates.map(([branch]) => branch), ...(otherwise === undefined ? [] : [otherwise])]
  return new Map(
    names.map((branch, index) => [
      branch,
      {
        ...stream,
        node: processorNode({
          operator: 'split',
          prefix: 'KSTREAM-BRANCH',
          name: name === undefined ? undefined : `${name}-${branch}`,
          parents: [stream.node],
          create: ({ emit }): Processor<K, V | undefined> => ({
            process: (record) => {
              if (record.value === undefined || branchOf(record.value, record.key) === index) emit(record)
            },
          }),
        }),
      },
    ]),
  )
}
