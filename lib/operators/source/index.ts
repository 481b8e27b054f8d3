import { trusted } from '../../serdes/serde.js'
import type { SourceNode } from '../../topology/node.js'
import type { StreamShape } from '../../topology/stream.js'
import { checkSourceTopic, type SourceTopic } from '../../topology/topic.js'

/** The records of a topic. What its schema has checked on the way in is not checked again behind it. */
export function source<K, V>(
  operator: string,
  topic: SourceTopic<K, V>,
  name: string | undefined,
): StreamShape<K, V> {
  checkSourceTopic(operator, topic)
  const node: SourceNode = Object.freeze({ kind: 'source', name, topic, parents: Object.freeze([] as const) })
  return { node, key: trusted(topic.key), value: trusted(topic.value), partitioned: true }
}
