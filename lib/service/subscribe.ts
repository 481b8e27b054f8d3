import type { Broker } from '../brokers/port.js'
import type { SourceTopic } from '../topology/topic.js'
import { decodeRecord, type TopicRecord } from './topic-record.js'

export interface SubscribeOptions {
  /** `earliest` (default): everything that is there, then what comes. `latest`: what comes from now on. */
  readonly from?: 'earliest' | 'latest'
  /** `false` ends the iteration at what is there when it begins. Default true. */
  readonly follow?: boolean
  /** Ends the iteration, as leaving the loop does. */
  readonly signal?: AbortSignal
}

/** How long one wait lasts; an ended subscription is noticed after it at the latest. */
const WAIT_MS = 200

/**
 * The records of a topic, partition by partition in the order of their offsets, and then each as it becomes
 * durable. Nothing is read ahead of the reader but what one fetch brings.
 */
export async function* subscribe<K, V>(
  broker: Broker,
  topic: SourceTopic<K, V>,
  { from = 'earliest', follow = true, signal }: SubscribeOptions,
  ended: AbortSignal,
): AsyncGenerator<TopicRecord<K, V>, void, undefined> {
  const { name } = topic
  const over = (): boolean => ended.aborted || signal?.aborted === true
  const ends = await broker.endOffsets(name)
  const starts = await Promise.all(
    ends.map(async (end, partition) =>
      from === 'latest'
        ? end
        : (await broker.fetch({ topic: name, partition, offset: end, maxRecords: 0 })).logStartOffset,
    ),
  )
  const places = starts.map((offset, partition) => ({ topic: name, partition, offset }))
  while (!over()) {
    for (const place of places) {
      const { records, nextOffset } = await broker.fetch(place)
      place.offset = nextOffset
      for (const record of records) {
        if (over()) return
        if (!follow && record.offset >= ends[place.partition]!) break
        yield decodeRecord(topic, place.partition, record)
      }
    }
    if (!follow && places.every(({ partition, offset }) => offset >= ends[partition]!)) return
    if (follow && !over()) await broker.waitForData(places, WAIT_MS)
  }
}
