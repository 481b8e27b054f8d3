import { bytesOfKey } from '../../core/binary-key.js'
import { RevlogError } from '../../core/errors.js'
import { withoutRevision } from '../../core/headers.js'
import { partitionOf } from '../../core/murmur2.js'
import { keyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'
import { requireSerde } from '../place.js'

export interface SelectKeyOptions<K> {
  readonly name?: string | undefined
  readonly key?: Serde<any, K> | undefined
  /**
   * The records already are in the partition that Kafka's default partitioner (murmur2) gives their new key, so no
   * repartition topic is needed. Checked for every record where there are several partitions; one that is not is
   * `E_PARTITION_MOVED`, under the policy `onError.processing`.
   */
  readonly keepsPartition?: boolean
}

/** A new key; the value stays. A tombstone has no value to take a key from: counted as `null-value`. */
export function selectKey<K, V, K2>(
  stream: StreamShape<K, V>,
  selector: (value: V, key: K) => K2,
  options: SelectKeyOptions<K2>,
): StreamShape<K2, V> {
  const { name, key, keepsPartition = false } = options
  const codec = keepsPartition
    ? keyCodec(requireSerde('key', key, 'selectKey', name, stream.node))
    : undefined
  const node = processorNode({
    operator: 'selectKey',
    prefix: 'KSTREAM-KEY-SELECT',
    name,
    parents: [stream.node],
    relays: true,
    create: ({ emit, drop, partition, partitions }): Processor<K, V | undefined> => ({
      process: ({ key: old, value, timestamp, headers }) => {
        if (value === undefined) return drop('null-value')
        const selected = selector(value, old)
        if (codec !== undefined && partitions > 1 && selected !== undefined && selected !== null) {
          const home = partitionOf(bytesOfKey(codec.toKey(selected)), partitions)
          if (home !== partition) throw moved(partition, home)
        }
        emit({ key: selected, value, timestamp, headers: withoutRevision(headers) })
      },
    }),
  })
  return { node, key, value: stream.value, partitioned: keepsPartition }
}

function moved(from: number, to: number): RevlogError {
  return new RevlogError(
    'E_PARTITION_MOVED',
    `a record of partition ${from} was given a key of partition ${to}, though keepsPartition says that keys stay`,
    { remedy: 'leave keepsPartition out and put .repartition({ name }) after selectKey' },
  )
}
