import type { Directory } from '../brokers/embedded/directory.js'
import type { Broker } from '../brokers/port.js'
import { RevlogError } from '../core/errors.js'
import type { MetricsSnapshot } from '../core/metrics.js'
import { type Headers, NO_HEADERS } from '../core/record.js'
import type { SinkTopic, SourceTopic } from '../topology/topic.js'
import type { Topology } from '../topology/topology.js'
import type { CaughtUp } from './caught-up.js'
import { lastRevisions } from './last-revisions.js'
import { type SubscribeOptions, subscribe } from './subscribe.js'
import type { TopicRecord } from './topic-record.js'

/** A record to be written; what is left out has the default in the comment. */
export interface NewRecord<K, V> {
  /** None: the record goes to partition 0. */
  readonly key?: K
  /** None: a tombstone. */
  readonly value?: V
  /** Milliseconds since the epoch. Now. */
  readonly timestamp?: number
  /** None. */
  readonly headers?: Headers
  /** The one that the key's hash chooses. */
  readonly partition?: number
}

/** A topology that runs. Made by `run`. */
export interface Service {
  /** The name of the topology. */
  readonly application: string
  readonly directory: string
  /** The topics of the directory, for what is not here. Closed with the service. */
  readonly broker: Broker
  /**
   * Resolves when the service has stopped and everything is on the disk; rejects with what ended it, which says
   * task, operator, topic, partition and offset. What was not committed then will be processed again.
   */
  readonly finished: Promise<void>
  /** Takes no more records, finishes those at hand, commits and closes. Resolves or rejects as `finished`. */
  readonly stop: () => Promise<void>
  /** Resolves when all that is in the topics now is answered, and the answers are durable. Rejects when the service ends before. */
  readonly caughtUp: () => Promise<void>
  /** Records that were not processed yet; of a service that has ended, those that it left. */
  readonly lag: () => number
  readonly metrics: () => ServiceMetrics
  /** Writes to a topic. Resolves when every record is durable. */
  readonly produce: <K, V>(topic: SinkTopic<K, V>, records: Iterable<NewRecord<K, V>>) => Promise<void>
  /** The table that a topic is: the last revision of each key, without tombstones. */
  readonly table: <K, V>(topic: SourceTopic<K, V>) => AsyncIterable<TopicRecord<K, V>>
  /** The records of a topic as they become durable, until the service stops. */
  readonly subscribe: <K, V>(
    topic: SourceTopic<K, V>,
    options?: SubscribeOptions,
  ) => AsyncIterable<TopicRecord<K, V>>
}

export interface ServiceMetrics {
  /** Of the service itself: `commit-total`, and `commit-ms` from the start of a commit until it is durable. */
  readonly service: MetricsSnapshot
  /** Of each task, by its id: `process-total`, `dropped-records.<reason>`, and what its operators count. */
  readonly tasks: ReadonlyMap<string, MetricsSnapshot>
  /** On Kafka: how many records of its changelog each copy that is kept here is behind; `undefined` until that is known. */
  readonly standbys: ReadonlyMap<string, number | undefined>
}

export interface ServiceParts {
  readonly topology: Topology
  readonly directory: Pick<Directory, 'broker' | 'path'>
  readonly metrics: () => ServiceMetrics
  readonly caughtUp: Pick<CaughtUp, 'wait' | 'end'>
  readonly finished: Promise<void>
  readonly stop: () => void
  readonly lag: () => number
}

export function createService(parts: ServiceParts): Service {
  const { topology, caughtUp } = parts
  const { broker, path } = parts.directory
  const ended = new AbortController()
  const finished = parts.finished.then(
    () => {
      ended.abort()
      caughtUp.end(
        new RevlogError('E_SERVICE_STOPPED', `${topology.name} was stopped before it had caught up`, {
          remedy: 'what is left is processed when it runs again',
        }),
      )
    },
    (error: unknown) => {
      ended.abort()
      caughtUp.end(error)
      throw error
    },
  )
  // Whoever awaits it hears of the failure; when nobody does, that must not end the process behind its back.
  finished.catch(() => {})

  return Object.freeze({
    application: topology.name,
    directory: path,
    broker,
    finished,
    stop() {
      parts.stop()
      return finished
    },
    caughtUp: caughtUp.wait,
    lag: parts.lag,
    metrics: parts.metrics,
    async produce<K, V>(topic: SinkTopic<K, V>, records: Iterable<NewRecord<K, V>>) {
      await broker.produce(
        Array.from(records, ({ key, value, timestamp = Date.now(), headers = NO_HEADERS, partition }) => ({
          topic: topic.name,
          partition,
          key: key === undefined ? undefined : topic.key.encode(key),
          value: value === undefined ? undefined : topic.value.encode(value),
          timestamp,
          headers,
        })),
      )
    },
    table: <K, V>(topic: SourceTopic<K, V>) => lastRevisions(broker, topic),
    subscribe: <K, V>(topic: SourceTopic<K, V>, options: SubscribeOptions = {}) =>
      subscribe(broker, topic, options, ended.signal),
  })
}
