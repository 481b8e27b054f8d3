import { RevlogError } from '../core/errors.js'
import type { Headers } from '../core/record.js'
import { checkTopicName } from '../core/topic-name.js'
import type { Serde, Serializer } from '../serdes/serde.js'

/** A topic that can be written. */
export interface SinkTopic<K, V> {
  readonly name: string
  readonly key: Serializer<K>
  readonly value: Serializer<V>
}

/** A topic that can be read. */
export interface SourceTopic<K, V> {
  readonly name: string
  readonly key: Serde<any, K>
  readonly value: Serde<any, V>
  /** Event time; without it the record's own timestamp. */
  readonly timestamp: TimestampExtractor<V> | undefined
  /** The key of a value, for producers that have values alone; see {@link TopicOptions.keyOf}. */
  readonly keyOf?: ((value: V) => any) | undefined
}

/** A topic, said once: topology, test driver and service all take this value. Made by {@link topic}. */
export interface Topic<KW, VW, KR = KW, VR = VW> extends SinkTopic<KW, VW>, SourceTopic<KR, VR> {
  readonly key: Serde<KW, KR>
  readonly value: Serde<VW, VR>
}

/**
 * Event time of a value, in milliseconds since the epoch. Not asked for a record without a value (a tombstone),
 * which keeps its own timestamp. `undefined` or a number that is no time is decided by `onError.timestamp`.
 */
export type TimestampExtractor<V> = (
  value: V,
  record: { readonly timestamp: number; readonly headers: Headers },
) => number | undefined

export interface TopicOptions<KW, KR, VW, VR> {
  readonly key: Serde<KW, KR>
  readonly value: Serde<VW, VR>
  readonly timestamp?: TimestampExtractor<VR>
  /**
   * The key of a value, for producers that have values alone: files and the command line. A record
   * that has a key keeps it; nothing that is read from a log asks for it.
   *
   * @example keyOf: (mood) => mood.consultant
   */
  readonly keyOf?: (value: VR) => KW
}

/**
 * A topic as a value: its name, its serdes and where its event time is.
 *
 * @throws RevlogError `E_TOPIC_NAME` for a name that Kafka would refuse.
 * @example
 * const moods = topic('moods', { key: string(), value: json<Mood>(), timestamp: (m) => m.eventTime })
 */
export function topic<KW, KR, VW, VR>(
  name: string,
  options: TopicOptions<KW, KR, VW, VR>,
): Topic<KW, VW, KR, VR> {
  checkTopicName(name)
  const { key, value, timestamp, keyOf } = options
  return Object.freeze({ name, key, value, timestamp, keyOf })
}

export { checkTopicName }

/** For callers without types: a name alone says neither serdes nor event time. */
export function checkSourceTopic(operator: string, topic: SourceTopic<any, any>): void {
  const { key, value } = Object(topic) as Partial<SourceTopic<any, any>>
  if (typeof key?.decode !== 'function' || typeof value?.decode !== 'function') throw noTopic(operator, topic)
}

export function checkSinkTopic(operator: string, topic: SinkTopic<any, any>): void {
  const { key, value } = Object(topic) as Partial<SinkTopic<any, any>>
  if (typeof key?.encode !== 'function' || typeof value?.encode !== 'function') throw noTopic(operator, topic)
}

function noTopic(operator: string, given: unknown): RevlogError {
  const shown = typeof given === 'string' ? JSON.stringify(given) : typeof given
  return new RevlogError('E_TOPIC', `${operator}() takes a topic, not ${shown}`, {
    remedy: "make one: topic('name', { key: string(), value: json() })",
  })
}
