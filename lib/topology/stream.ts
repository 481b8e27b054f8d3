import type { Serde } from '../serdes/serde.js'
import type { StoreSpec } from '../state/store.js'
import type { StreamNode } from './node.js'

/**
 * A stream as operators see it: the node that its records come from, and what is known about them. The faces of
 * the DSL wrap this; an operator takes it and returns a new one.
 */
export interface StreamShape<K, V> {
  readonly node: StreamNode
  /** Serdes travel along; a step that changes a type drops the serde of that part. */
  readonly key: Serde<any, K> | undefined
  readonly value: Serde<any, V> | undefined
  /** Whether every record is in the partition of its key: false after a step that changes keys. */
  readonly partitioned: boolean
}

/**
 * A table as operators see it. Its node emits `Record<K, Change<V>>`: the new value of a key and the old one,
 * `undefined` for "no value".
 */
export interface TableShape<K, V> extends StreamShape<K, V> {
  /** How rows are looked up; `undefined` for a table that is only a stream of changes so far. */
  readonly lookup: TableLookup<K, V> | undefined
}

/** Where the rows of a table are, or the rows that it is derived from: a filtered table needs no store of its own. */
export interface TableLookup<K, V> {
  readonly store: StoreSpec<any>
  /** The table keeps history: its rows are found as of a time, and a change may be `outdated`. */
  readonly versioned: boolean
  /** Given the open store, finds the row of a key: as it was at event time `asOf` if versioned, else as it is now. */
  readonly open: (store: any) => (key: K, asOf: number) => V | undefined
}
