import { keyOfBytes } from '../lib/core/binary-key.js'
import { RevlogError } from '../lib/core/errors.js'
import type { Headers } from '../lib/core/record.js'
import type { SourceTopic } from '../lib/topology/topic.js'
import type { Logged, TopicLog } from './topic-log.js'

export interface KeyValue<K, V> {
  readonly key: K
  /** `undefined` is a tombstone. */
  readonly value: V | undefined
}

/** A record as it was written, decoded. */
export interface TestRecord<K, V> extends KeyValue<K, V> {
  readonly timestamp: number
  readonly headers: Headers
  readonly partition: number
  readonly offset: number
}

/**
 * Reads what a topic got, in the order in which it was written. Every reader of one topic shares one position, as
 * in Kafka Streams: what was read is not read again. Reading past the end throws `E_OUTPUT_EMPTY`. A record
 * without a key has the key `undefined`.
 */
export interface TestOutputTopic<K, V> {
  readonly topic: string
  readonly readValue: () => V | undefined
  readonly readKeyValue: () => KeyValue<K, V>
  readonly readRecord: () => TestRecord<K, V>
  /** The lists and the map take everything that was not read yet. */
  readonly readValuesToList: () => readonly (V | undefined)[]
  readonly readKeyValuesToList: () => readonly KeyValue<K, V>[]
  /** The last value of each key; `undefined` where that is a tombstone. */
  readonly readKeyValuesToMap: () => ReadonlyMap<K, V | undefined>
  readonly readRecordsToList: () => readonly TestRecord<K, V>[]
  readonly isEmpty: () => boolean
  /** How many records were not read yet. */
  readonly queueSize: () => number
}

/** Where the readers of one topic are. */
export interface Cursor {
  next: number
}

export function createOutputTopic<K, V>(
  topic: SourceTopic<K, V>,
  log: () => TopicLog | undefined,
  cursor: Cursor,
): TestOutputTopic<K, V> {
  const size = (): number => (log()?.written.length ?? 0) - cursor.next

  function take(): Logged {
    const record = log()?.written[cursor.next]
    if (record === undefined) {
      throw new RevlogError(
        'E_OUTPUT_EMPTY',
        `topic ${topic.name} has no record that was not read yet (${cursor.next} were)`,
        { remedy: 'ask isEmpty() first, or read all of them with readRecordsToList()' },
      )
    }
    cursor.next++
    return record
  }
  const takeAll = (): readonly Logged[] => Array.from({ length: size() }, take)
  const decodeValue = ({ value }: Logged): V | undefined =>
    value === undefined ? undefined : topic.value.decode(value)
  const keyValueOf = (record: Logged): KeyValue<K, V> => ({
    key: keyIn(topic, record.key),
    value: decodeValue(record),
  })
  const recordOf = (record: Logged): TestRecord<K, V> => ({
    ...keyValueOf(record),
    timestamp: record.timestamp,
    headers: record.headers,
    partition: record.partition,
    offset: record.offset,
  })

  return {
    topic: topic.name,
    readValue: () => decodeValue(take()),
    readKeyValue: () => keyValueOf(take()),
    readRecord: () => recordOf(take()),
    readValuesToList: () => takeAll().map(decodeValue),
    readKeyValuesToList: () => takeAll().map(keyValueOf),
    readKeyValuesToMap() {
      // Keys that are objects are equal when their bytes are.
      const last = new Map<string | undefined, KeyValue<K, V>>()
      for (const record of takeAll()) {
        last.set(record.key === undefined ? undefined : keyOfBytes(record.key), keyValueOf(record))
      }
      return new Map([...last.values()].map(({ key, value }) => [key, value]))
    },
    readRecordsToList: () => takeAll().map(recordOf),
    isEmpty: () => size() === 0,
    queueSize: size,
  }
}

export function keyIn<K>(topic: SourceTopic<K, any>, bytes: Buffer | undefined): K {
  return bytes === undefined ? (undefined as K) : topic.key.decode(bytes)
}
