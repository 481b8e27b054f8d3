import { partitionOf } from '../../core/murmur2.js'
import type { ProducerRecord } from '../../core/record.js'
import { checkKey, checkPartition, checkTimestamp } from '../checks.js'
import type { Appended, TopicDescription } from '../port.js'
import type { KafkaClient, KafkaProducer, PlacedRecord } from './kafka-client.js'

export interface WritableTopic extends TopicDescription {
  /** The largest batch that it takes; `undefined` when that is not known. */
  readonly maxMessageBytes: number | undefined
}

export interface LogWriter {
  produce(records: readonly ProducerRecord[]): Promise<readonly Appended[]>
}

/**
 * One call of `produce` after the other, each a send of an idempotent producer: so records keep their
 * order from call to call, and a call that fails takes none beside it along. A producer that a failure has spent is
 * followed by a new one; the call itself is not repeated, since nobody knows what of it was written.
 */
export function createLogWriter(
  client: KafkaClient,
  topicOf: (name: string) => Promise<WritableTopic>,
): LogWriter {
  let producer: KafkaProducer | undefined
  const limits = new Map<string, number | undefined>()
  let last: Promise<unknown> = Promise.resolve()

  const send = async (records: readonly ProducerRecord[]): Promise<readonly Appended[]> => {
    const topics = new Map<string, TopicDescription>()
    for (const { topic } of records) {
      if (topics.has(topic)) continue
      const found = await topicOf(topic)
      topics.set(topic, found)
      limits.set(topic, found.maxMessageBytes)
    }
    const placed = records.map((record) => placeIn(topics.get(record.topic)!, record))
    if (producer === undefined || producer.spent !== undefined) {
      producer = await client.producer({ maxMessageBytesOf: (topic) => limits.get(topic) })
    }
    return joined(await producer.send(placed))
  }

  return {
    async produce(records) {
      if (records.length === 0) return []
      const sent = last.then(() => send(records))
      last = sent.catch(() => undefined)
      return sent
    },
  }
}

function placeIn(topic: TopicDescription, record: ProducerRecord): PlacedRecord {
  const partition = record.partition ?? partitionOf(record.key, topic.partitions)
  checkPartition(topic, partition)
  checkKey(topic, partition, record)
  checkTimestamp(record)
  return { ...record, partition }
}

/** Batches that lie one after the other are one place: only another writer can come between them. */
function joined(batches: readonly Appended[]): readonly Appended[] {
  const places: Appended[] = []
  const lastOf = new Map<string, number>()
  for (const batch of batches) {
    const { topic, partition, baseOffset, count } = batch
    const partitionName = `${partition} ${topic}`
    const index = lastOf.get(partitionName)
    const before = index === undefined ? undefined : places[index]!
    if (before !== undefined && before.baseOffset + before.count === baseOffset) {
      places[index!] = { ...before, count: before.count + count }
    } else {
      lastOf.set(partitionName, places.length)
      places.push(batch)
    }
  }
  return places
}
