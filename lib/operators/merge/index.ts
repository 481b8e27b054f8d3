import { processorNode } from '../../topology/node.js'
import type { StreamShape } from '../../topology/stream.js'

/** The records of several streams, each in its own order. A serde stays known where all sides have the same. */
export function merge<K, V>(
  streams: readonly StreamShape<K, V>[],
  { name }: { readonly name?: string | undefined },
): StreamShape<K, V> {
  const [first] = streams
  const same = <T>(of: (stream: StreamShape<K, V>) => T): T | undefined =>
    first !== undefined && streams.every((stream) => of(stream) === of(first)) ? of(first) : undefined
  const node = processorNode({
    operator: 'merge',
    prefix: 'KSTREAM-MERGE',
    name,
    parents: streams.map((stream) => stream.node),
    create: ({ emit }) => ({ inputs: streams.map(() => emit) }),
  })
  return {
    node,
    key: same((stream) => stream.key),
    value: same((stream) => stream.value),
    partitioned: streams.every((stream) => stream.partitioned),
  }
}
