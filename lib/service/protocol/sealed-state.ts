import type { StateBackend, StoreWrites } from '../../state/port.js'
import { createWriteBuffer, type WriteBuffer } from '../../state/write-buffer.js'

/**
 * State with a commit under way: its task sees what it wrote and goes on, the engine below does not have it yet.
 * Nothing may be in the state whose outputs and changelog records are not acknowledged, and to wait for that with
 * idle hands would cost half of the speed.
 */
export interface SealedState extends StateBackend {
  /** From now on reads see these writes. What was sealed before has been applied. */
  seal(writes: readonly StoreWrites[]): void
  /** What was sealed, and what comes with it, becomes the state in one transaction. */
  apply(also: readonly StoreWrites[], metadata: Buffer): void
}

export function sealable(below: StateBackend): SealedState {
  const layers = new Map<string, WriteBuffer>()
  let sealed: readonly StoreWrites[] = []

  function layer(store: string): WriteBuffer {
    const known = layers.get(store)
    if (known !== undefined) return known
    const made = createWriteBuffer(store, below.rows(store))
    layers.set(store, made)
    return made
  }

  return {
    rows: layer,
    metadata: below.metadata,
    seal(writes) {
      sealed = writes
      for (const { store, writes: rows } of writes) {
        const over = layer(store)
        for (const { key, value } of rows) {
          if (value === undefined) over.delete(key)
          else over.put(key, value)
        }
      }
    },
    apply(also, metadata) {
      below.commit([...sealed, ...also], metadata)
      for (const { store } of sealed) layer(store).clear()
      sealed = []
    },
    commit: below.commit,
    wipe: below.wipe,
    close: below.close,
  }
}
