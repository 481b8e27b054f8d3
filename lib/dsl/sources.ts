import { table as tableOf } from '../operators/table/index.js'
import { trusted } from '../serdes/serde.js'
import type { SourceNode } from '../topology/node.js'
import type { StreamShape } from '../topology/stream.js'
import type { SourceTopic } from '../topology/topic.js'
import { type KStream, kStream } from './kstream.js'
import { type KTable, kTable } from './ktable.js'

function sourceShape<K, V>(topic: SourceTopic<K, V>, name: string | undefined): StreamShape<K, V> {
  const node: SourceNode = Object.freeze({ kind: 'source', name, topic, parents: Object.freeze([] as const) })
  return { node, key: trusted(topic.key), value: trusted(topic.value), partitioned: true }
}

/**
 * The records of a topic.
 *
 * @example stream(orders).filter((order) => order.amount > 0).to(paid)
 */
export const stream = <K, V>(
  topic: SourceTopic<K, V>,
  { name }: { readonly name?: string } = {},
): KStream<K, V> => kStream(sourceShape(topic, name))

/**
 * The last value of each key of a topic, in a store that is named after the topic unless `name` is given. A topic
 * that is a revision log is read as one: the greatest revision of each key wins.
 */
export const table = <K, V>(
  topic: SourceTopic<K, V>,
  { name = topic.name }: { readonly name?: string } = {},
): KTable<K, V> =>
  kTable(tableOf(sourceShape(topic, undefined), { operator: 'table', prefix: 'KTABLE-SOURCE', name }))
