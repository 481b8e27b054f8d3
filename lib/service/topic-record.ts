import { messageOf, RevlogError } from '../core/errors.js'
import type { Headers, LogRecord } from '../core/record.js'
import type { SourceTopic } from '../topology/topic.js'

/** A record of a topic as its reader sees it. */
export interface TopicRecord<K, V> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** `undefined` where there is no key. */
  readonly key: K | undefined
  /** `undefined` for a tombstone. */
  readonly value: V | undefined
  readonly headers: Headers
}

/** @throws RevlogError `E_DESERIALIZATION` with the record's coordinates */
export function decodeRecord<K, V>(
  topic: SourceTopic<K, V>,
  partition: number,
  raw: LogRecord,
): TopicRecord<K, V> {
  const { offset, timestamp, headers } = raw
  try {
    const key = raw.key === undefined ? undefined : topic.key.decode(raw.key)
    const value = raw.value === undefined ? undefined : topic.value.decode(raw.value)
    return { topic: topic.name, partition, offset, timestamp, key, value, headers }
  } catch (thrown) {
    throw new RevlogError('E_DESERIALIZATION', messageOf(thrown), {
      at: { topic: topic.name, partition, offset },
      cause: thrown,
      remedy: 'read the topic with the serdes that it was written with',
    })
  }
}
