import { RevlogError } from '../../core/errors.js'
import { partitionOf } from '../../core/murmur2.js'
import type { ProducerRecord } from '../../core/record.js'
import { recordBytes } from './record-size.js'
import type { EmbeddedTopic, Topics } from './topics.js'

/** With it any record fits into one frame of the protocol and one value of the log. */
export const MAX_RECORD_BYTES = 15 << 20

/** The records of one call that go to one partition, in their order. */
export interface PartitionRecords {
  readonly topic: EmbeddedTopic
  readonly partition: number
  readonly records: ProducerRecord[]
}

/** Checks every record and sorts them by partition, before the first is written. */
export function groupRecords(
  topics: Topics,
  records: readonly ProducerRecord[],
): readonly PartitionRecords[] {
  const groups: PartitionRecords[] = []
  const byTopic = new Map<string, { topic: EmbeddedTopic; partitions: (PartitionRecords | undefined)[] }>()
  let current: { topic: EmbeddedTopic; partitions: (PartitionRecords | undefined)[] } | undefined
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    if (current === undefined || current.topic.name !== record.topic) {
      current = byTopic.get(record.topic)
      if (current === undefined) {
        current = { topic: topics.get(record.topic), partitions: [] }
        byTopic.set(record.topic, current)
      }
    }
    const { topic, partitions } = current
    const partition = record.partition ?? partitionOf(record.key, topic.partitions)
    let group = partitions[partition]
    if (group === undefined) {
      checkPartition(topic, partition)
      group = { topic, partition, records: [] }
      partitions[partition] = group
      groups.push(group)
    }
    checkRecord(topic, partition, record)
    group.records.push(record)
  }
  return groups
}

export function checkPartition(topic: EmbeddedTopic, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return
  throw new RevlogError('E_PARTITION_UNKNOWN', `${topic.name} has ${topic.partitions} partitions`, {
    at: { topic: topic.name, partition },
    remedy: `use 0 to ${topic.partitions - 1}, or none and let the key decide`,
  })
}

function checkRecord(topic: EmbeddedTopic, partition: number, record: ProducerRecord): void {
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
  checkEncodable(record)
}

/** @throws RevlogError `E_RECORD_TIMESTAMP`, `E_RECORD_TOO_LARGE` for what no batch and no frame can carry. */
export function checkEncodable(record: ProducerRecord): void {
  if (!Number.isSafeInteger(record.timestamp)) {
    throw new RevlogError('E_RECORD_TIMESTAMP', `${record.timestamp} is no time`, {
      at: { topic: record.topic },
      remedy: 'give whole milliseconds since the epoch',
    })
  }
  const bytes = recordBytes(record)
  if (bytes > MAX_RECORD_BYTES) {
    throw new RevlogError('E_RECORD_TOO_LARGE', `a record of ${bytes} bytes`, {
      at: { topic: record.topic },
      remedy: `keep records below ${MAX_RECORD_BYTES} bytes`,
    })
  }
}
