import { aggregate } from '../operators/aggregate/index.js'
import { int64 } from '../serdes/primitives.js'
import type { Serde } from '../serdes/serde.js'
import type { StreamShape } from '../topology/stream.js'
import { type KTable, kTable } from './ktable.js'
import { UNNAMED } from './unnamed.js'

export interface AggregateOptions<K, V, A> {
  /** Names the store. */
  readonly name: string
  readonly init: () => NoInfer<A>
  /** Returning `undefined` deletes the key. */
  readonly add: (aggregate: NoInfer<A>, value: V, key: K) => NoInfer<A> | undefined
  readonly value: Serde<any, A>
}

/** Records grouped by their key. */
export interface KGroupedStream<K, V> {
  readonly shape: StreamShape<K, V>
  /** How many records each key had. Stored as int64. */
  count(options: { readonly name: string }): KTable<K, number>
  /** Folds the values of each key, starting with the first one. */
  reduce(
    reducer: (aggregate: V, value: V, key: K) => V,
    options: { readonly name: string; readonly value?: Serde<any, V> },
  ): KTable<K, V>
  /**
   * Folds the values of each key into something else.
   *
   * @example grouped.aggregate({ name: 'totals', init: () => 0, add: (sum, o) => sum + o.amount, value: float64() })
   */
  aggregate<A>(options: AggregateOptions<K, V, A>): KTable<K, A>
}

export function kGroupedStream<K, V>(shape: StreamShape<K, V>): KGroupedStream<K, V> {
  return Object.freeze<KGroupedStream<K, V>>({
    shape: Object.freeze(shape),
    count: ({ name } = UNNAMED) =>
      kTable(aggregate(shape, (n = 0) => n + 1, { operator: 'count', name, value: int64() })),
    reduce: (reducer, { name, value = shape.value } = UNNAMED) =>
      kTable(
        aggregate<K, V, V>(shape, (sum, v, k) => (sum === undefined ? v : reducer(sum, v, k)), {
          operator: 'reduce',
          name,
          value,
        }),
      ),
    aggregate: ({ name, init, add, value }) =>
      kTable(
        aggregate(shape, (sum, v, k) => add(sum === undefined ? init() : sum, v, k), {
          operator: 'aggregate',
          name,
          value,
        }),
      ),
  })
}
