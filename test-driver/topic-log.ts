import { RevlogError } from '../lib/core/errors.js'
import { partitionOf } from '../lib/core/murmur2.js'
import type { LogRecord, ProducerRecord } from '../lib/core/record.js'

/** A record of a topic, with the partition that it is in. */
export interface Logged extends LogRecord {
  readonly partition: number
}

/** A topic as the driver keeps it: every record that was ever written, in memory. */
export interface TopicLog {
  readonly name: string
  readonly partitions: number
  /** All records, in the order in which they were written, over all partitions. */
  readonly written: readonly Logged[]
  /** The records of one partition from an offset on. */
  readonly read: (partition: number, from: number) => readonly Logged[]
  /** The offset that the next record of the partition will have. */
  readonly end: (partition: number) => number
  /** Without a partition the key's murmur2 hash decides, as Kafka's default partitioner does. */
  readonly append: (record: ProducerRecord) => Logged
}

const NONE: readonly Logged[] = []

export function createTopicLog(name: string, partitions: number): TopicLog {
  const written: Logged[] = []
  const logs: Logged[][] = Array.from({ length: partitions }, () => [])
  const logOf = (partition: number): Logged[] => {
    const log = logs[partition]
    if (log === undefined) throw noSuchPartition(name, partition, partitions)
    return log
  }
  return {
    name,
    partitions,
    written,
    read: (partition, from) => {
      const log = logOf(partition)
      return from === log.length ? NONE : log.slice(from)
    },
    end: (partition) => logOf(partition).length,
    append({ partition, key, value, timestamp, headers }) {
      const chosen = partition ?? partitionOf(key, partitions)
      const log = logOf(chosen)
      const record: Logged = { offset: log.length, timestamp, key, value, headers, partition: chosen }
      log.push(record)
      written.push(record)
      return record
    },
  }
}

function noSuchPartition(topic: string, partition: number, partitions: number): RevlogError {
  return new RevlogError(
    'E_PARTITION',
    `topic ${topic} has no partition ${partition}: it has ${partitions}`,
    {
      at: { topic, partition },
      remedy: `give the driver the number of partitions: new TopologyTestDriver(topology, { partitions: { '${topic}': n } })`,
    },
  )
}
