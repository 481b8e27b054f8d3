import { keyOfBytes } from '../../lib/core/binary-key.js'
import { NO_HEADERS, type ProducerRecord } from '../../lib/core/record.js'
import type { Topic } from '../../lib/topology/topic.js'
import type { TestInput } from '../input-topic.js'

export interface ArrivalOptions {
  /**
   * A record may arrive more than once, as from a producer that retries: the topology must take a repeated record
   * for the same fact. False when absent; a count, for instance, cannot know.
   */
  readonly duplicates?: boolean
  /**
   * What stays as it was given: nothing (default), the order of the records of one key (a topic read as a table,
   * where the last value in the log counts), or the order of the whole topic.
   */
  readonly keepOrder?: 'none' | 'key' | 'topic'
}

/** What arrives at one topic. Made by {@link arrivals}. */
export interface Arrivals extends Required<ArrivalOptions> {
  readonly topic: string
  readonly records: readonly Arrival[]
}

/** One record that arrives: an object of its own, so that equal records stay apart. */
export interface Arrival {
  readonly record: ProducerRecord
  readonly eventTime: number
  /** What must keep its order has the same name; `undefined` for what may go anywhere. */
  readonly line: string | undefined
  readonly text: string
}

/**
 * The records of one topic for `expectConverges`. A record that says no timestamp has that of the one before it
 * (0 at first); where the topic has an extractor, event time comes from the value, as in production.
 *
 * @example arrivals(moods, [{ key: 'ann', value: { mood: 'glad', eventTime: 5 } }], { duplicates: true })
 */
export function arrivals<K, V>(
  topic: Topic<K, V, any, any>,
  records: Iterable<TestInput<K, V>>,
  { duplicates = false, keepOrder = 'none' }: ArrivalOptions = {},
): Arrivals {
  let clock = 0
  return {
    topic: topic.name,
    duplicates,
    keepOrder,
    records: Array.from(records, ({ key, value, headers = NO_HEADERS, partition, timestamp = clock }) => {
      clock = timestamp
      const record: ProducerRecord = {
        topic: topic.name,
        partition,
        key: key === undefined ? undefined : topic.key.encode(key),
        value: value === undefined ? undefined : topic.value.encode(value),
        timestamp,
        headers,
      }
      const line =
        keepOrder === 'none' || (keepOrder === 'key' && record.key === undefined)
          ? undefined
          : `${topic.name} ${keepOrder === 'key' ? keyOfBytes(record.key!) : ''}`
      const eventTime = eventTimeOf(topic, record)
      return { record, eventTime, line, text: `${topic.name} ${show(key)} at ${eventTime}: ${show(value)}` }
    }),
  }
}

/** As the engine reads it; a time that it would refuse sorts first. */
function eventTimeOf(
  topic: Topic<any, any, any, any>,
  { value, timestamp, headers }: ProducerRecord,
): number {
  if (topic.timestamp === undefined || value === undefined) return timestamp
  const time = topic.timestamp(topic.value.decode(value), { timestamp, headers })
  return time !== undefined && Number.isFinite(time) ? time : 0
}

function show(value: unknown): string {
  if (value === undefined) return 'none'
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? String(value)
}
