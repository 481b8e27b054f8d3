import { type GroupedTableShape, tableAggregate } from '../operators/table-group/index.js'
import { int64 } from '../serdes/primitives.js'
import type { Serde } from '../serdes/serde.js'
import type { AggregateOptions } from './kgrouped-stream.js'
import { type KTable, kTable } from './ktable.js'
import { UNNAMED } from './unnamed.js'

export interface TableAggregateOptions<K, V, A> extends AggregateOptions<K, V, A> {
  /** Takes back what `add` did with a value. Returning `undefined` deletes the key. */
  readonly subtract: (aggregate: NoInfer<A>, value: V, key: K) => NoInfer<A> | undefined
}

/** Rows of a table, grouped. Aggregates follow every change of a row: old value out, new value in. */
export interface KGroupedTable<K, V> {
  /** How many rows each group has. Stored as int64. */
  count(options: { readonly name: string }): KTable<K, number>
  reduce(
    adder: (aggregate: V, value: V, key: K) => V,
    subtractor: (aggregate: V, value: V, key: K) => V,
    options: { readonly name: string; readonly value?: Serde<any, V> },
  ): KTable<K, V>
  /**
   * @example
   * answers.groupBy((a) => a.mood, { name: 'by-mood', key: string() })
   *   .aggregate({ name: 'spent', init: () => 0, add: (s, a) => s + a.price, subtract: (s, a) => s - a.price, value: float64() })
   */
  aggregate<A>(options: TableAggregateOptions<K, V, A>): KTable<K, A>
}

export function kGroupedTable<K, V>(grouped: GroupedTableShape<K, V>): KGroupedTable<K, V> {
  return Object.freeze<KGroupedTable<K, V>>({
    count: ({ name } = UNNAMED) =>
      kTable(
        tableAggregate<K, V, number>(
          grouped,
          (n = 0) => n + 1,
          (n) => n - 1,
          { operator: 'count', name, value: int64() },
        ),
      ),
    reduce: (adder, subtractor, { name, value = grouped.values } = UNNAMED) =>
      kTable(
        tableAggregate<K, V, V>(
          grouped,
          (sum, v, k) => (sum === undefined ? v : adder(sum, v, k)),
          subtractor,
          { operator: 'reduce', name, value },
        ),
      ),
    aggregate: ({ name, init, add, subtract, value }) =>
      kTable(
        tableAggregate(grouped, (sum, v, k) => add(sum === undefined ? init() : sum, v, k), subtract, {
          operator: 'aggregate',
          name,
          value,
        }),
      ),
  })
}
