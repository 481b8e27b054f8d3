import { type AsOfJoinOptions, asOfJoin, type How } from '../operators/as-of-join/index.js'
import { filter, type Predicate } from '../operators/filter/index.js'
import { flatMap, flatMapValues } from '../operators/flat-map/index.js'
import { type KeyValue, map, type SerdeOptions } from '../operators/map/index.js'
import { mapValues } from '../operators/map-values/index.js'
import { merge } from '../operators/merge/index.js'
import { forEach, peek } from '../operators/peek/index.js'
import { requirePartitioned } from '../operators/place.js'
import { type ProcessOptions, process, processValues, type StoreSpecs } from '../operators/process/index.js'
import { type RepartitionOptions, repartition } from '../operators/repartition/index.js'
import { type SelectKeyOptions, selectKey } from '../operators/select-key/index.js'
import { sink } from '../operators/sink/index.js'
import { split } from '../operators/split/index.js'
import { streamTableJoin } from '../operators/stream-table-join/index.js'
import { table } from '../operators/table/index.js'
import type { Serde } from '../serdes/serde.js'
import type { StreamShape } from '../topology/stream.js'
import type { SinkTopic } from '../topology/topic.js'
import type { Sink } from '../topology/topology.js'
import { type KGroupedStream, kGroupedStream } from './kgrouped-stream.js'
import { type KTable, kTable } from './ktable.js'
import { UNNAMED } from './unnamed.js'

export interface Named {
  /** For descriptions and messages; generated in Kafka Streams' format when absent. */
  readonly name?: string
}

export interface ValueOptions<V> extends Named {
  /** The serde of the new values, for the steps after it that need one. */
  readonly value?: Serde<any, V>
}

export interface GroupByOptions<K, V> extends RepartitionOptions<K, V> {}

/**
 * An unbounded stream of records, as a value: every method returns a new stream and changes nothing. A record may
 * be a tombstone (no value): functions are not called with one, see each operator for what becomes of it.
 *
 * Names and semantics are those of Kafka Streams' `KStream`, except where a method says otherwise.
 */
export interface KStream<K, V> {
  readonly shape: StreamShape<K, V>

  /** Keeps the records that pass. Tombstones pass. */
  filter<W extends V>(predicate: (value: V, key: K) => value is W, options?: Named): KStream<K, W>
  filter(predicate: Predicate<K, V>, options?: Named): KStream<K, V>
  /** Keeps the records that do not pass. Tombstones pass. */
  filterNot(predicate: Predicate<K, V>, options?: Named): KStream<K, V>
  /** A new key and value for each record. Changes keys: repartition before anything that works by key. */
  map<K2, V2>(mapper: (value: V, key: K) => KeyValue<K2, V2>, options?: SerdeOptions<K2, V2>): KStream<K2, V2>
  /** A new value for each record. Tombstones pass. */
  mapValues<W>(mapper: (value: V, key: K) => W, options?: ValueOptions<W>): KStream<K, W>
  /** Any number of records for each record. Changes keys. */
  flatMap<K2, V2>(
    mapper: (value: V, key: K) => Iterable<KeyValue<K2, V2>>,
    options?: SerdeOptions<K2, V2>,
  ): KStream<K2, V2>
  /** Any number of values for each value. */
  flatMapValues<W>(mapper: (value: V, key: K) => Iterable<W>, options?: ValueOptions<W>): KStream<K, W>
  /** A new key for each record. `keepsPartition` is the checked way out for data that is partitioned so already. */
  selectKey<K2>(selector: (value: V, key: K) => K2, options?: SelectKeyOptions<K2>): KStream<K2, V>
  /** Looks at each record that has a value. */
  peek(action: (value: V, key: K) => void, options?: Named): KStream<K, V>
  /** Ends the stream without a topic. */
  forEach(action: (value: V, key: K) => void, options?: Named): Sink
  /** This stream's records and the others'. */
  merge(other: KStream<K, V>, options?: Named): KStream<K, V>
  /**
   * Streams by name: a record goes to the first branch that it passes, else to the branch named `otherwise`, if
   * there is one, else nowhere. Tombstones go to every branch.
   *
   * @example const { large, rest } = orders.split({ large: (o) => o.amount > 1000 }, { otherwise: 'rest' })
   */
  split<B extends string, D extends string = never>(
    branches: { readonly [branch in B]: Predicate<K, V> },
    options?: Named & { readonly otherwise?: D },
  ): { readonly [branch in B | D]: KStream<K, V> }
  /** Writes the stream to a topic. */
  to(topic: SinkTopic<K, Exclude<V, undefined>>, options?: Named): Sink
  /** Sends the records through a topic of the application's own, to the partition of their key. */
  repartition(options: RepartitionOptions<K, V>): KStream<K, V>
  /** Applies a function from streams to anything: your own operators. */
  pipe<T>(build: (stream: KStream<K, V>) => T): T
  /** Groups by the key that the records have. */
  groupByKey(): KGroupedStream<K, V>
  /** Groups by a new key, through a repartition topic of the given name. */
  groupBy<G>(group: (value: V, key: K) => G, options: GroupByOptions<G, V>): KGroupedStream<G, V>
  /** The last value of each key, in a store of the given name. */
  toTable(options: { readonly name: string }): KTable<K, V>
  /**
   * Each record with the row of its key in a table as it is now (in a table with history: as of the record's event
   * time); a record without a row is left out. What the table learns later changes no answer: for that see `asOfJoin`.
   */
  join<T, Out>(
    table: KTable<K, T>,
    joiner: (value: V, row: T, key: K) => Out,
    options: ValueOptions<Out> & { readonly name: string },
  ): KStream<K, Out>
  /** The same, with `undefined` for a record without a row. */
  leftJoin<T, Out>(
    table: KTable<K, T>,
    joiner: (value: V, row: T | undefined, key: K) => Out,
    options: ValueOptions<Out> & { readonly name: string },
  ): KStream<K, Out>
  /**
   * For each of this stream's events, the version of the other stream's that was valid at its time: answered at
   * once, and answered again, as the next revision, when a late or out-of-order record changes the answer. The
   * result is the table of last answers, by id.
   *
   * @example
   * stream(recommendations).asOfJoin(stream(moods), {
   *   name: 'mood-at-recommendation',
   *   id: (r) => r.id,
   *   join: (r, mood) => ({ ...r, mood: mood?.mood ?? 'unknown' }),
   *   gracePeriod: minutes(10),
   * })
   */
  asOfJoin<R, Out, H extends How = 'left', Id extends string = string>(
    right: KStream<K, R>,
    options: AsOfJoinOptions<K, V, R, Out, H, Id>,
  ): KTable<Id, Out>
  /** The Processor API: a closure over open stores. */
  process<KOut, VOut, S extends StoreSpecs = { readonly [name: string]: never }>(
    options: ProcessOptions<S, K, V, KOut, VOut>,
  ): KStream<KOut, VOut>
  /** The Processor API for processors that keep the key. */
  processValues<VOut, S extends StoreSpecs = { readonly [name: string]: never }>(
    options: Omit<ProcessOptions<S, K, V, K, VOut>, 'key'>,
  ): KStream<K, VOut>
}

/** The face of a stream. */
export function kStream<K, V>(shape: StreamShape<K, V>): KStream<K, V> {
  return Object.freeze<KStream<K, V>>({
    shape: Object.freeze(shape),
    filter: (predicate: Predicate<K, V>, { name }: Named = {}) =>
      kStream<K, any>(filter(shape, predicate, { name, negate: false })),
    filterNot: (predicate, { name } = {}) => kStream(filter(shape, predicate, { name, negate: true })),
    map: (mapper, options = {}) => kStream(map(shape, mapper, options)),
    mapValues: (mapper, options = {}) => kStream(mapValues(shape, mapper, options)),
    flatMap: (mapper, options = {}) => kStream(flatMap(shape, mapper, options)),
    flatMapValues: (mapper, options = {}) => kStream(flatMapValues(shape, mapper, options)),
    selectKey: (selector, options = {}) => kStream(selectKey(shape, selector, options)),
    peek: (action, options = {}) => kStream(peek(shape, action, options)),
    forEach: (action, options = {}) => Object.freeze({ node: forEach(shape, action, options) }),
    merge: (other, options = {}) => kStream(merge([shape, other.shape], options)),
    split: (branches, { otherwise, name } = {}) =>
      Object.freeze(
        Object.fromEntries(
          [...split(shape, Object.entries<Predicate<K, V>>(branches), { otherwise, name })].map(
            ([branch, s]) => [branch, kStream(s)],
          ),
        ),
      ) as never,
    to: (topic, options = {}) =>
      Object.freeze({ node: sink(shape as StreamShape<any, any>, topic, options) }),
    repartition: (options = UNNAMED) => kStream(repartition(shape, options)),
    pipe: (build) => build(kStream(shape)),
    groupByKey: () => {
      requirePartitioned('groupByKey', undefined, shape)
      return kGroupedStream(shape)
    },
    groupBy: (group, options = UNNAMED) =>
      kGroupedStream(repartition(selectKey(shape, group, { key: options.key }), options, 'groupBy')),
    toTable: ({ name } = UNNAMED) =>
      kTable(table(shape, { operator: 'toTable', prefix: 'KSTREAM-TOTABLE', name, named: true })),
    join: (right, joiner, options = UNNAMED) =>
      kStream(streamTableJoin(shape, right.shape, joiner as never, { ...options, how: 'inner' })) as never,
    leftJoin: (right, joiner, options = UNNAMED) =>
      kStream(streamTableJoin(shape, right.shape, joiner, { ...options, how: 'left' })),
    asOfJoin: (right, options) => kTable(asOfJoin(shape, right.shape, options)),
    process: (options) => kStream(process(shape, options)),
    processValues: (options) => kStream(processValues(shape, options)),
  })
}
