import type { Duration } from '../lib/core/duration.js'
import type { MetricsSnapshot } from '../lib/core/metrics.js'
import type { StoreSpec } from '../lib/state/store.js'
import type { KeyValueStore } from '../lib/state/stores/key-value-store.js'
import type { TimestampedKeyValueStore } from '../lib/state/stores/timestamped-key-value-store.js'
import type { VersionedStore } from '../lib/state/stores/versioned-store.js'
import type { WindowStore } from '../lib/state/stores/window-store.js'
import type { SinkTopic, SourceTopic } from '../lib/topology/topic.js'
import { storesOf, type Topology } from '../lib/topology/topology.js'
import { hostOptions, type TestDriverOptions } from './driver-options.js'
import { dumpOf } from './dump.js'
import { type Crash, createHost, type Host } from './host.js'
import { createInputTopic, type InputTopicOptions, type TestInputTopic } from './input-topic.js'
import { type Cursor, createOutputTopic, type TestOutputTopic } from './output-topic.js'
import { lastRevisionsOf, revisionsOf, type TestRevision } from './revision-log.js'
import { storeIn } from './stores.js'
import type { ChangelogEntry } from './task-changelog.js'

/** Where one task is. */
export interface TestTask {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly partition: number
  /** The greatest event time taken, -1 before the first record. */
  readonly streamTime: number
  /** The next offset to be processed, by topic. */
  readonly positions: ReadonlyMap<string, number>
}

/**
 * Runs a topology in a test: no broker, no timers, no waiting, and the same input gives the same bytes. The
 * engine is the one that the service runs. After every record that is piped in, everything that it leads to is
 * processed and committed before the call returns.
 *
 * A function of the topology that throws under the policy `fail` throws here, from the call that piped the record
 * in. The record stays where it is, as on a broker: the next call meets it again.
 *
 * @example
 * const driver = new TopologyTestDriver(consultants)
 * const moods = driver.inputTopic(moodsTopic)
 * moods.pipeInput('ann', { mood: 'glad', eventTime: 5 })
 * driver.outputTopic(adviceTopic).readKeyValue()
 * driver.close()
 */
export class TopologyTestDriver {
  readonly topology: Topology
  readonly #host: Host
  readonly #options: TestDriverOptions
  readonly #cursors = new Map<string, Cursor>()

  constructor(topology: Topology, options: TestDriverOptions = {}) {
    this.topology = topology
    this.#options = options
    this.#host = createHost(topology, hostOptions(options))
  }

  /** A topic to pipe records into: its serdes are the topic's own. */
  inputTopic<K, V>(topic: SinkTopic<K, V>, options: InputTopicOptions = {}): TestInputTopic<K, V> {
    const { startTime = this.#options.startTime ?? this.#host.wallTime() } = options
    const autoAdvance = options.autoAdvance ?? this.#options.autoAdvance ?? 0
    return createInputTopic(topic, startTime, autoAdvance, (record) => {
      const logged = this.#host.append(record)
      this.#host.run()
      return logged
    })
  }

  /** A topic to read from; any topic, inputs and repartition topics too. */
  outputTopic<K, V>(topic: SourceTopic<K, V>): TestOutputTopic<K, V> {
    const cursor = this.#cursors.get(topic.name) ?? { next: 0 }
    this.#cursors.set(topic.name, cursor)
    return createOutputTopic(topic, () => this.#host.topics.get(topic.name), cursor)
  }

  /** Every answer that was written for one id of a revision log, in order. Reads nothing away from `outputTopic`. */
  revisions<K, V>(topic: SinkTopic<K, any> & SourceTopic<any, V>, id: K): readonly TestRevision<V>[] {
    return revisionsOf(topic, id, this.#host.topics.get(topic.name))
  }

  /** The table of last revisions: of each key the value with the greatest revision (the last one, without revisions). */
  lastRevisions<K, V>(topic: SourceTopic<K, V>): ReadonlyMap<K, V> {
    return lastRevisionsOf(topic, this.#host.topics.get(topic.name))
  }

  get wallTime(): number {
    return this.#host.wallTime()
  }

  /** Moves the wall-clock time on, fires the timers that are due (each once), and processes what waited for it. */
  advanceWallClockTime(by: Duration): void {
    this.#host.advanceWallClock(by)
  }

  /** Commits what `commitEvery` left open. */
  commit(): void {
    this.#host.commit()
  }

  /** A crash: every task is thrown away with what it had not committed, and begins again from the last commit. */
  restart(): void {
    this.#host.restart()
    this.#host.run()
  }

  /**
   * A crash that loses the committed state too: it is restored from the changelog; with `compacted`, from what
   * log compaction leaves of it, the last record of each key.
   */
  wipe({ compacted = false }: { readonly compacted?: boolean } = {}): void {
    this.#host.wipe(compacted)
    this.#host.run()
  }

  /**
   * Crashes after `records` more records were processed, before they are committed, and goes on: they are
   * processed again. With `'resent'` their outputs had been sent already and are sent again, as happens on Kafka
   * with at-least-once processing.
   */
  crashAfter(records: number, crash: Crash = 'lost'): void {
    this.#host.crashAfter(records, crash)
  }

  /**
   * A store as its operator sees it. With several tasks that have it, `partition` says whose.
   *
   * @throws RevlogError `E_STORE_UNKNOWN`, `E_STORE_PARTITION`, and from the getters below `E_STORE_KIND`.
   */
  store<S>(store: StoreSpec<S>, partition?: number): S {
    return storeIn(this.topology, this.#host, store.name, store.type, partition) as S
  }

  /** A key-value store, by name. */
  keyValueStore<K, V>(name: string, partition?: number): KeyValueStore<K, V> {
    return this.#store(name, 'key-value', partition)
  }

  /** The store of a table or an aggregate, by name: values with their event time. */
  timestampedKeyValueStore<K, V>(name: string, partition?: number): TimestampedKeyValueStore<K, V> {
    return this.#store(name, 'timestamped-key-value', partition)
  }

  /** A versioned store, by name: history by key and time. */
  versionedStore<K, V>(name: string, partition?: number): VersionedStore<K, V> {
    return this.#store(name, 'versioned', partition)
  }

  windowStore<K, V>(name: string, partition?: number): WindowStore<K, V> {
    return this.#store(name, 'window', partition)
  }

  /** The names of all stores, sorted. */
  storeNames(): readonly string[] {
    return storesOf(this.topology)
      .map((spec) => spec.name)
      .toArray()
      .sort()
  }

  #store<S>(name: string, type: string, partition: number | undefined): S {
    return storeIn(this.topology, this.#host, name, type, partition) as S
  }

  /** The changes that went to the changelog, of one store or all, by task, in the order of their commits. */
  changelog(store?: StoreSpec<any> | string): readonly ChangelogEntry[] {
    const name = typeof store === 'object' ? store.name : store
    return this.#host
      .tasks()
      .flatMap(({ task, state }) => state.changelog.entries.map((entry) => ({ task: task.id, ...entry })))
      .filter((entry) => name === undefined || entry.store === name)
  }

  /** Topics that the topology wrote to, sorted; repartition and dead-letter topics too. */
  producedTopicNames(): readonly string[] {
    return [...this.#host.produced].sort()
  }

  /** Records that were dropped, by reason, over all tasks and their restarts. */
  dropped(): ReadonlyMap<string, number> {
    return this.#host.dropped()
  }

  /** Counters, gauges and histograms of each task since it began, by the task's id. */
  metrics(): ReadonlyMap<string, MetricsSnapshot> {
    return new Map(this.#host.tasks().map(({ task }) => [task.id, task.metrics.snapshot()]))
  }

  /** The tasks that run, and where they are. */
  tasks(): readonly TestTask[] {
    return this.#host.tasks().map(({ task }) => ({
      id: task.id,
      partition: task.partition,
      streamTime: task.streamTime(),
      positions: new Map(task.topics.map((topic) => [topic, task.position(topic) ?? 0])),
    }))
  }

  /** Everything that the topology holds and wrote, as text: two runs are the same if and only if this is. */
  dump(): string {
    return dumpOf(this.#host)
  }

  /** Closes the processors and removes the state. */
  close(): void {
    this.#host.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
