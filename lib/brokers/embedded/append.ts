import { RevlogError } from '../../core/errors.js'
import { partitionOf } from '../../core/murmur2.js'
import type { ProducerRecord } from '../../core/record.js'
import { checkKey, checkPartition, checkTimestamp } from '../checks.js'
import { recordBytes } from '../record-size.js'
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
    checkKey(topic, partition, record)
    checkEncodable(record)
    group.records.push(record)
  }
  return groups
}

/** @throws RevlogError `E_RECORD_TIMESTAMP`, `E_RECORD_TOO_LARGE` for what no batch and no frame can carry. */
export function checkEncodable(record: ProducerRecord): void {
  checkTimestamp(record)
  const bytes = recordBytes(record)
  if (bytes > MAX_RECORD_BYTES) {
    throw new RevlogError('E_RECORD_TOO_LARGE', `a record of ${bytes} bytes`, {
      at: { topic: record.topic },
      remedy: `keep records below ${MAX_RECORD_BYTES} bytes`,
    })
  }
}
