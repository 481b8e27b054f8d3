import type { Record } from '../../core/record.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'
import type { Predicate } from '../filter/index.js'

/** A record on its way to one branch, by index; a tombstone travels as it is. */
interface Routed<V> {
  readonly branch: number
  readonly value: V
}

/**
 * Streams by name. A record goes to the first branch whose predicate it passes, else to the default branch if
 * there is one, else nowhere, as in Kafka Streams. A tombstone has no value to test and goes to every branch:
 * whoever keeps a value of its key has to hear of its end.
 *
 * One node decides and the branches only pick, so that each predicate is called at most once for a record and one
 * that throws fails once.
 */
export function split<K, V>(
  stream: StreamShape<K, V>,
  predicates: readonly (readonly [branch: string, predicate: Predicate<K, V>])[],
  { otherwise, name }: { readonly otherwise: string | undefined; readonly name?: string | undefined },
): ReadonlyMap<string, StreamShape<K, V>> {
  const branches = [...predicates.map(([branch]) => branch), ...(otherwise === undefined ? [] : [otherwise])]
  const router = processorNode({
    operator: 'split',
    prefix: 'KSTREAM-BRANCH',
    name,
    parents: [stream.node],
    create: ({ emit }): Processor<K, V | undefined> => ({
      process: (record: Record<K, V | undefined>) => {
        const { key, value, timestamp, headers } = record
        if (value === undefined) return emit(record)
        let branch = 0
        while (branch < predicates.length && !predicates[branch]![1](value, key)) branch++
        if (branch === branches.length) return
        emit({ key, value: { branch, value }, timestamp, headers })
      },
    }),
  })
  return new Map(
    branches.map((branch, index) => [
      branch,
      {
        ...stream,
        node: processorNode({
          operator: 'split',
          prefix: 'KSTREAM-BRANCHCHILD',
          name: name === undefined ? undefined : `${name}-${branch}`,
          parents: [router],
          create: ({ emit }): Processor<K, Routed<V> | undefined> => ({
            process: (record: Record<K, Routed<V> | undefined>) => {
              const { key, value, timestamp, headers } = record
              if (value === undefined) emit(record)
              else if (value.branch === index) emit({ key, value: value.value, timestamp, headers })
            },
          }),
        }),
      },
    ]),
  )
}
