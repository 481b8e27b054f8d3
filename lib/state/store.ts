import type { BufferedRows } from './write-buffer.js'

/** What a store is opened on. */
export interface StoreAccess {
  readonly rows: BufferedRows
  /** Called before each commit: what the store still holds as objects must be in `rows` when it returns. */
  readonly onFlush: (flush: () => void) => void
}

/**
 * A store as a value: a name, which names its part of the changelog and never changes with the topology, and
 * how to open it. The engine knows no kind of store, so a new kind needs no change there.
 */
export interface StoreSpec<S> {
  readonly name: string
  /** The kind, for `describe()` and messages: `key-value`, `versioned`, `window` … */
  readonly type: string
  /** Serdes and layout in a word: state written under another fingerprint is not read. */
  readonly fingerprint: string
  readonly open: (access: StoreAccess) => S
}
