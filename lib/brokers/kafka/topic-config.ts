import type { TopicConfig, TopicDescription } from '../port.js'
import type { KafkaTopic } from './topic-admin.js'

const FOR_EVER = '-1'

/** The settings of a topic that forgets like this, by Kafka's names. */
export function settingsOf({ cleanupPolicy, retentionMs }: TopicConfig): {
  readonly [setting: string]: string
} {
  return {
    'cleanup.policy': cleanupPolicy,
    'retention.ms': retentionMs === undefined ? FOR_EVER : String(retentionMs),
  }
}

export const isCompacted = ({ config }: KafkaTopic): boolean => policiesOf(config).includes('compact')

/** How old a record may become before the topic forgets it, in milliseconds; `undefined` when it does not go by age. */
export function retentionOf({ config }: KafkaTopic): number | undefined {
  const retention = config.get('retention.ms') ?? FOR_EVER
  return policiesOf(config).includes('delete') && retention !== FOR_EVER ? Number(retention) : undefined
}

/** The largest batch that it takes, in bytes; a record that is alone in its batch needs some 70 more than it has. */
export function maxMessageBytesOf({ config }: KafkaTopic): number | undefined {
  const bytes = config.get('max.message.bytes')
  return bytes === undefined ? undefined : Number(bytes)
}

/** What the port knows of it. A topic that both compacts and forgets by age is compacted, and has a retention. */
export function describe(topic: KafkaTopic): TopicDescription {
  const retentionMs = retentionOf(topic)
  return {
    name: topic.name,
    partitions: topic.partitions,
    config: {
      cleanupPolicy: isCompacted(topic) ? 'compact' : 'delete',
      ...(retentionMs === undefined ? {} : { retentionMs }),
    },
  }
}

const policiesOf = (config: ReadonlyMap<string, string>): readonly string[] =>
  (config.get('cleanup.policy') ?? 'delete').split(',').map((policy) => policy.trim())
