import { RevlogError } from '../../core/errors.js'
import type { StateBackend, StoreWrites } from '../../state/port.js'
import { createWriteBuffer, type WriteBuffer } from '../../state/write-buffer.js'

/**
 * State with a commit under way: its task sees what it wrote and goes on, the engine below does not have it yet.
 * Nothing may be in the state whose outputs and changelog records are not acknowledged, and to wait for that with
 * idle hands would cost half of the speed.
 *
 * Several commits go to the engine below in one transaction. It writes a tree, whose pages cost the same whether one
 * row of theirs has changed or ten, and what was rewritten in the meantime is written once. What a crash takes is in
 * the changelog: the state is then the one of an earlier commit, and the rest is read from there.
 */
export interface SealedState extends StateBackend {
  /** From now on reads see these writes. What was sealed before has been applied. */
  seal(writes: readonly StoreWrites[]): void
  /** What was sealed is certain, and so is what comes with it: it becomes the state, sooner or later. */
  apply(also: readonly StoreWrites[], metadata: Buffer): void
  /**
   * Everything that is certain becomes the state, in one transaction. False when it cannot be: a commit is under way,
   * or the disk is full.
   */
  settle(): boolean
}

/** A longer transaction would be a pause that shows in latencies. */
const BYTES = 4 << 20
/** What a crash makes somebody read from the changelog again: a fraction of a second. */
const RECORDS = 200_000

/** @param most how many writes may wait; each time when it is 1 */
export function sealable(below: StateBackend, most = RECORDS): SealedState {
  const layers = new Map<string, WriteBuffer>()
  let metadata: Buffer | undefined
  let pending = false
  let waiting = 0

  function layer(store: string): WriteBuffer {
    const known = layers.get(store)
    if (known !== undefined) return known
    const made = createWriteBuffer(store, below.rows(store))
    layers.set(store, made)
    return made
  }

  function cover(writes: readonly StoreWrites[]): void {
    for (const { store, writes: rows } of writes) {
      const over = layer(store)
      for (const { key, value } of rows) {
        if (value === undefined) over.delete(key)
        else over.put(key, value)
      }
      waiting += rows.length
    }
  }

  function flush(): void {
    const writes: StoreWrites[] = []
    for (const [store, rows] of layers) {
      if (rows.bytes > 0) writes.push({ store, writes: rows.writes() })
    }
    below.commit(writes, metadata)
    for (const rows of layers.values()) rows.clear()
    metadata = undefined
    waiting = 0
  }

  const full = (): boolean => {
    if (waiting >= most) return true
    let bytes = 0
    for (const rows of layers.values()) bytes += rows.bytes
    return bytes >= BYTES
  }

  return {
    rows: layer,
    metadata: () => metadata ?? below.metadata(),
    seal(writes) {
      pending = true
      cover(writes)
    },
    apply(also, now) {
      cover(also)
      pending = false
      metadata = now
      if (full()) flush()
    },
    settle() {
      if (pending) return false
      if (metadata === undefined) return true
      try {
        flush()
        return true
      } catch (thrown) {
        if (!(thrown instanceof RevlogError && thrown.code === 'E_STATE_DISK_FULL')) throw thrown
        return false
      }
    },
    commit: below.commit,
    wipe: below.wipe,
    close: below.close,
  }
}
