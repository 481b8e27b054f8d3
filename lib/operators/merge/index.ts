import { withoutRevision } from '../../core/headers.js'
import type { Record } from '../../core/record.js'
import { processorNode } from '../../topology/node.js'
import type { StreamShape } from '../../topology/stream.js'

/**
 * The records of several streams, each in its own order. A serde stays known where all sides have the same.
 * Revisions of different logs cannot be compared, so their headers end here.
 */
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
    relays: true,
    create: ({ emit }) => {
      const pass = (record: Record<K, V>): void => {
        const headers = withoutRevision(record.headers)
        emit(headers === record.headers ? record : { ...record, headers })
      }
      return { inputs: streams.map(() => pass) }
    },
  })
  return {
    node,
    key: same((stream) => stream.key),
    value: same((stream) => stream.value),
    partitioned: streams.every((stream) => stream.partitioned),
  }
}
