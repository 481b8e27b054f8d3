import type { Serde } from '../../serdes/serde.js'
import type { RepartitionNode } from '../../topology/node.js'
import type { StreamShape } from '../../topology/stream.js'
import { requireName, requireSerde } from '../place.js'

export interface RepartitionOptions<K, V> {
  /** Names the topic: `<application>-<name>-repartition`. */
  readonly name: string
  /** As many as the topics above have, or the topics that it is joined with, when absent. */
  readonly partitions?: number
  readonly key?: Serde<any, K>
  readonly value?: Serde<any, V>
}

/** Sends records through a topic of the application's own, to the partition of their key. */
export function repartition<K, V>(
  stream: StreamShape<K, V>,
  options: RepartitionOptions<K, V>,
  operator = 'repartition',
): StreamShape<K, V> {
  const name = requireName(operator, options.name, stream.node)
  const key = requireSerde('key', options.key ?? stream.key, operator, name, stream.node)
  const value = requireSerde('value', options.value ?? stream.value, operator, name, stream.node)
  const node: RepartitionNode = Object.freeze({
    kind: 'repartition',
    name,
    parents: Object.freeze([stream.node] as const),
    key,
    value,
    partitions: options.partitions,
  })
  return { node, key, value, partitioned: true }
}
