import type { Predicate } from '../operators/filter/index.js'
import { tableFilter, tableMapValues } from '../operators/table-filter/index.js'
import { type TableGroupOptions, tableGroupBy } from '../operators/table-group/index.js'
import { toStream } from '../operators/to-stream/index.js'
import type { TableShape } from '../topology/stream.js'
import { type KGroupedTable, kGroupedTable } from './kgrouped-table.js'
import { type KStream, kStream, type Named, type ValueOptions } from './kstream.js'
import { UNNAMED } from './unnamed.js'

/**
 * A table: the last value of each key, and a stream of its changes. Names and semantics are those of Kafka
 * Streams' `KTable`. Every function is called for old values as well as for new ones, so it must be pure.
 */
export interface KTable<K, V> {
  readonly shape: TableShape<K, V>
  /** Rows that pass; a row that no longer passes is deleted from the result. */
  filter(predicate: Predicate<K, V>, options?: Named): KTable<K, V>
  filterNot(predicate: Predicate<K, V>, options?: Named): KTable<K, V>
  mapValues<W>(mapper: (value: V, key: K) => W, options?: ValueOptions<W>): KTable<K, W>
  /** Each change as a record with the new value; a deleted row is a tombstone. Headers, and so revisions, stay. */
  toStream(options?: Named): KStream<K, V>
  /** Groups the rows by a new key; a changed row is taken from its old group before it is added to the new one. */
  groupBy<G>(group: (value: V, key: K) => G, options: TableGroupOptions<G, V>): KGroupedTable<G, V>
}

export function kTable<K, V>(shape: TableShape<K, V>): KTable<K, V> {
  return Object.freeze<KTable<K, V>>({
    shape: Object.freeze(shape),
    filter: (predicate, { name } = {}) => kTable(tableFilter(shape, predicate, { name, negate: false })),
    filterNot: (predicate, { name } = {}) => kTable(tableFilter(shape, predicate, { name, negate: true })),
    mapValues: (mapper, options = {}) => kTable(tableMapValues(shape, mapper, options)),
    toStream: (options = {}) => kStream(toStream(shape, options)),
    groupBy: (group, options = UNNAMED) => kGroupedTable(tableGroupBy(shape, group, options)),
  })
}
