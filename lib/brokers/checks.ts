import { RevlogError } from '../core/errors.js'
import type { ProducerRecord } from '../core/record.js'
import { checkTopicName } from '../core/topic-name.js'
import type { NewTopic, TopicDescription } from './port.js'

/** What every log checks alike, before it does anything. */
export const MAX_PARTITIONS = 10_000

export const unknownTopic = (name: string): RevlogError =>
  new RevlogError('E_TOPIC_UNKNOWN', `there is no topic ${name}`, {
    at: { topic: name },
    remedy: 'create it first, or check the name',
  })

export const topicExists = (name: string): RevlogError =>
  new RevlogError('E_TOPIC_EXISTS', `there is a topic ${name} already`, { at: { topic: name } })

/** @throws RevlogError `E_TOPIC_NAME`, `E_TOPIC_CONFIG` */
export function checkNewTopic({ name, partitions, config }: NewTopic): void {
  checkTopicName(name)
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new RevlogError('E_TOPIC_CONFIG', `${partitions} is no number of partitions`, {
      at: { topic: name },
      remedy: `give a whole number from 1 to ${MAX_PARTITIONS}`,
    })
  }
  const { cleanupPolicy, retentionMs } = config
  if (cleanupPolicy !== 'delete' && cleanupPolicy !== 'compact') {
    throw new RevlogError('E_TOPIC_CONFIG', `${JSON.stringify(cleanupPolicy)} is no clean-up policy`, {
      at: { topic: name },
      remedy: "use 'delete' or 'compact'",
    })
  }
  if (retentionMs !== undefined && (cleanupPolicy === 'compact' || !(retentionMs >= 0))) {
    throw new RevlogError('E_TOPIC_CONFIG', `a retention of ${retentionMs} ms does not go with it`, {
      at: { topic: name },
      remedy: "give 0 or more, and only with the clean-up policy 'delete'",
    })
  }
}

/** @throws RevlogError `E_PARTITION_UNKNOWN` */
export function checkPartition(topic: TopicDescription, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return
  throw new RevlogError('E_PARTITION_UNKNOWN', `${topic.name} has ${topic.partitions} partitions`, {
    at: { topic: topic.name, partition },
    remedy: `use 0 to ${topic.partitions - 1}, or none and let the key decide`,
  })
}

/** @throws RevlogError `E_RECORD_KEY` */
export function checkKey(topic: TopicDescription, partition: number, record: ProducerRecord): void {
  if (record.key === undefined && topic.config.cleanupPolicy === 'compact') {
    throw new RevlogError(
      'E_RECORD_KEY',
      'a compacted topic keeps the last record of each key, this one has none',
      {
        at: { topic: topic.name, partition },
        remedy: 'give the record a key, or the topic the clean-up policy delete',
      },
    )
  }
}

/** @throws RevlogError `E_RECORD_TIMESTAMP` */
export function checkTimestamp(record: ProducerRecord): void {
  if (Number.isSafeInteger(record.timestamp)) return
  throw new RevlogError('E_RECORD_TIMESTAMP', `${record.timestamp} is no time`, {
    at: { topic: record.topic },
    remedy: 'give whole milliseconds since the epoch',
  })
}
