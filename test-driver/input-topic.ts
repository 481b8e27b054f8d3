import type { Duration } from '../lib/core/duration.js'
import { RevlogError } from '../lib/core/errors.js'
import { type Headers, NO_HEADERS, type ProducerRecord } from '../lib/core/record.js'
import type { SinkTopic } from '../lib/topology/topic.js'
import type { Logged } from './topic-log.js'

/** A record to pipe in; what is left out has the default in the comment. */
export interface TestInput<K, V> {
  /** No key. */
  readonly key?: K | undefined
  /** A tombstone. */
  readonly value?: V | undefined
  /** Milliseconds since the epoch. The topic's time, which then advances. */
  readonly timestamp?: number | undefined
  /** None. */
  readonly headers?: Headers | undefined
  /** The one that the key's hash chooses. */
  readonly partition?: number | undefined
}

/** Where a record came to be. */
export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface InputTopicOptions {
  /** The time of the first record that says none, in milliseconds since the epoch. The driver's `wallTime` when absent. */
  readonly startTime?: number
  /** How far the topic's time goes on after each record that says none. 0 when absent. */
  readonly autoAdvance?: Duration
}

/** Writes to a topic of the topology, which then processes all it can. Made by `driver.inputTopic(topic)`. */
export interface TestInputTopic<K, V> {
  readonly topic: string
  /**
   * A value without a key, or a key and a value, at `timestamp` or the topic's own time. `undefined` as the value
   * is a tombstone.
   */
  readonly pipeInput: {
    (value: V | undefined): Place
    (key: K | undefined, value: V | undefined, timestamp?: number): Place
  }
  readonly pipeTombstone: (key: K, timestamp?: number) => Place
  readonly pipeRecord: (record: TestInput<K, V>) => Place
  /** Bytes that no serde wrote: a poison pill, for instance. */
  readonly pipeBytes: (record: TestInput<Uint8Array, Uint8Array>) => Place
  /** One after another, each processed before the next is written. */
  readonly pipeValueList: (values: Iterable<V>, options?: InputTopicOptions) => readonly Place[]
  readonly pipeKeyValueList: (
    pairs: Iterable<readonly [key: K, value: V | undefined]>,
    options?: InputTopicOptions,
  ) => readonly Place[]
  readonly pipeRecordList: (records: Iterable<TestInput<K, V>>) => readonly Place[]
  /** Moves the topic's time on. */
  readonly advanceTime: (by: Duration) => void
}

export function createInputTopic<K, V>(
  topic: SinkTopic<K, V>,
  startTime: number,
  autoAdvance: number,
  write: (record: ProducerRecord) => Logged,
): TestInputTopic<K, V> {
  let time = checkedTime(topic.name, startTime)

  function pipeBytes(record: TestInput<Uint8Array, Uint8Array>): Place {
    const { key, value, headers = NO_HEADERS, partition } = record
    const timestamp = record.timestamp ?? time
    if (record.timestamp === undefined) time += autoAdvance
    const logged = write({
      topic: topic.name,
      partition,
      key: key === undefined ? undefined : Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
      timestamp,
      headers,
    })
    return { topic: topic.name, partition: logged.partition, offset: logged.offset }
  }
  const pipeRecord = ({ key, value, ...rest }: TestInput<K, V>): Place =>
    pipeBytes({
      ...rest,
      key: key === undefined ? undefined : topic.key.encode(key),
      value: value === undefined ? undefined : topic.value.encode(value),
    })

  function pipeInput(
    ...args: [V | undefined] | [K | undefined, V | undefined, (number | undefined)?]
  ): Place {
    if (args.length === 1) return pipeRecord({ value: args[0] })
    const [key, value, timestamp] = args
    return pipeRecord({ key, value, timestamp })
  }

  const pipeList = <T>(
    items: Iterable<T>,
    toRecord: (item: T) => TestInput<K, V>,
    { startTime: from, autoAdvance: step }: InputTopicOptions,
  ): readonly Place[] => {
    let at = from
    return Array.from(items, (item) => {
      const place = pipeRecord({ ...toRecord(item), timestamp: at })
      if (at !== undefined) at += step ?? autoAdvance
      return place
    })
  }

  return {
    topic: topic.name,
    pipeInput,
    pipeTombstone: (key, timestamp) => pipeRecord({ key, timestamp }),
    pipeRecord,
    pipeBytes,
    pipeValueList: (values, options = {}) => pipeList(values, (value) => ({ value }), options),
    pipeKeyValueList: (pairs, options = {}) => pipeList(pairs, ([key, value]) => ({ key, value }), options),
    pipeRecordList: (records) => Array.from(records, pipeRecord),
    advanceTime(by) {
      time += by
    },
  }
}

function checkedTime(topic: string, time: number): number {
  if (Number.isSafeInteger(time)) return time
  throw new RevlogError('E_TIMESTAMP', `${time} is no time to start topic ${topic} at`, {
    remedy: 'give whole milliseconds since the epoch',
    at: { topic },
  })
}
