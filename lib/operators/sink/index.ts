import type { SinkNode } from '../../topology/node.js'
import type { StreamShape } from '../../topology/stream.js'
import { checkSinkTopic, type SinkTopic } from '../../topology/topic.js'

/** Writes a stream to a topic. A tombstone becomes a record without a value. */
export function sink<K, V>(
  stream: StreamShape<K, V>,
  topic: SinkTopic<K, V>,
  { name }: { readonly name?: string | undefined },
): SinkNode {
  checkSinkTopic('to', topic)
  return Object.freeze({ kind: 'sink', name, parents: Object.freeze([stream.node] as const), topic })
}
