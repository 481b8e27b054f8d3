import { RevlogError } from '../../core/errors.js'
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
  checkPartitions(options.partitions, name)
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

function checkPartitions(partitions: number | undefined, name: string): void {
  if (partitions === undefined || (Number.isSafeInteger(partitions) && partitions > 0)) return
  throw new RevlogError('E_PARTITIONS', `repartition '${name}' cannot have ${partitions} partitions`, {
    remedy: 'give a whole number of 1 or more, or leave it out',
  })
}
