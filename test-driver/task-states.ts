import type { BinaryKey } from '../lib/core/binary-key.js'
import { createMemoryBackend } from '../lib/state/memory/index.js'
import type { StateBackend, StoreWrites } from '../lib/state/port.js'
import type { SubTopology } from '../lib/topology/sub-topology.js'

/** One change of a store, as it went to the changelog. */
export interface ChangelogEntry {
  readonly task: string
  readonly store: string
  readonly key: BinaryKey
  /** `undefined` where the row was deleted. */
  readonly value: Buffer | undefined
}

/** The committed state of a task and its changelog. */
export interface TaskState {
  readonly backend: StateBackend
  readonly commit: (writes: readonly StoreWrites[], metadata: Buffer) => void
  readonly close: () => void
}

/** The state of every task: what a crash leaves. */
export interface TaskStates {
  readonly open: (task: string, part: SubTopology) => TaskState
  readonly changelog: () => readonly ChangelogEntry[]
  /** Every task's state is lost: each is restored from its changelog when it is opened again. */
  readonly wipe: () => void
  readonly close: () => void
}

export function createTaskStates(): TaskStates {
  const backends = new Map<string, StateBackend>()
  const changelog: ChangelogEntry[] = []
  const metadata = new Map<string, Buffer>()
  return {
    open(task) {
      let backend = backends.get(task)
      if (backend === undefined) {
        backend = createMemoryBackend()
        backends.set(task, backend)
        const last = metadata.get(task)
        if (last !== undefined) {
          for (const { task: owner, store, key, value } of changelog) {
            if (owner === task) backend.commit([{ store, writes: [{ key, value }] }], last)
          }
          backend.commit([], last)
        }
      }
      const opened = backend
      return {
        backend,
        commit(writes, next) {
          for (const { store, writes: changed } of writes) {
            for (const { key, value } of changed) changelog.push({ task, store, key, value })
          }
          metadata.set(task, next)
          opened.commit(writes, next)
        },
        close() {},
      }
    },
    changelog: () => changelog,
    wipe: () => backends.clear(),
    close: () => backends.clear(),
  }
}
