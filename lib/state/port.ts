import type { BinaryKey } from '../core/binary-key.js'

/** One row of a store: ordered key bytes and a value, which belongs to the reader. */
export interface Row {
  readonly key: BinaryKey
  readonly value: Buffer
}

/** A stretch of rows: `from <= key < to`, either end open when absent. */
export interface Scan {
  readonly from?: BinaryKey | undefined
  readonly to?: BinaryKey | undefined
  /** Descending from the greatest key below `to`. */
  readonly reverse?: boolean
  readonly limit: number
}

/**
 * The rows of one store as of the last commit. Synchronous. A scan returns an array and holds no cursor, so
 * nothing can be left open and rows may be written while its result is walked.
 */
export interface CommittedRows {
  get(key: BinaryKey): Buffer | undefined
  scan(scan: Scan): Row[]
}

/** What happened to a key since the last commit: its last value, or `undefined` for deleted. */
export interface Write {
  readonly key: BinaryKey
  readonly value: Buffer | undefined
}

/** The writes of one store, ascending by key, each key once. */
export interface StoreWrites {
  readonly store: string
  readonly writes: readonly Write[]
}

/**
 * Where the state of one task lives: the rows of its stores, and its metadata (positions, stream time, timers).
 * Both change in one transaction or not at all, so after a crash they agree.
 */
export interface StateBackend {
  rows(store: string): CommittedRows
  /** What the last commit stored beside the rows; `undefined` when there was none. */
  metadata(): Buffer | undefined
  /** Without metadata only while restoring: what is there then counts as nothing until the last commit brings it. */
  commit(writes: readonly StoreWrites[], metadata: Buffer | undefined): void
  /** Removes all rows and the metadata: what a lost disk does. */
  wipe(): void
  close(): void
}

/** The longest key that every engine stores. */
export const MAX_KEY_BYTES = 1_900
