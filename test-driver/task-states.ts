import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLmdbBackend } from '../lib/state/lmdb/backend.js'
import { openEnvironment } from '../lib/state/lmdb/environment.js'
import { createMemoryBackend } from '../lib/state/memory/index.js'
import type { StateBackend, StoreWrites } from '../lib/state/port.js'
import type { SubTopology } from '../lib/topology/sub-topology.js'
import { createTaskChangelog, type TaskChangelog } from './task-changelog.js'

/** The committed state of a task and its changelog. */
export interface TaskState {
  readonly backend: StateBackend
  readonly changelog: TaskChangelog
  readonly commit: (writes: readonly StoreWrites[], metadata: Buffer) => void
}

/** The state of every task: what a crash leaves. */
export interface TaskStates {
  readonly open: (task: string, part: SubTopology) => TaskState
  /** Every task's state is lost, and restored from its changelog; `compacted`: from what compaction leaves of it. */
  readonly wipe: (compacted: boolean) => void
  readonly close: () => void
}

export type StoreEngine = 'memory' | 'lmdb'

export function createTaskStates(engine: StoreEngine): TaskStates {
  const { backendOf, close } = engine === 'memory' ? inMemory() : inTemporaryDirectory()
  const opened = new Map<string, TaskState>()
  return {
    open(task, part) {
      const known = opened.get(task)
      if (known !== undefined) return known
      const backend = backendOf(task)
      const changelog = createTaskChangelog(part.stores.map((store) => store.name))
      const state: TaskState = {
        backend,
        changelog,
        commit(writes, metadata) {
          changelog.append(writes, metadata)
          backend.commit(writes, metadata)
        },
      }
      opened.set(task, state)
      return state
    },
    wipe(compacted) {
      for (const { backend, changelog } of opened.values()) {
        backend.wipe()
        const restored = changelog.restore(compacted)
        if (restored !== undefined) backend.commit(restored.writes, restored.metadata)
      }
    },
    close() {
      for (const { backend } of opened.values()) backend.close()
      opened.clear()
      close()
    },
  }
}

interface Backends {
  readonly backendOf: (task: string) => StateBackend
  readonly close: () => void
}

const inMemory = (): Backends => ({ backendOf: createMemoryBackend, close: () => {} })

const MAX_DATABASES = 2_048

function inTemporaryDirectory(): Backends {
  const path = mkdtempSync(join(tmpdir(), 'revlog-test-'))
  const environment = openEnvironment(path, { durability: 'lazy', maxDatabases: MAX_DATABASES })
  return {
    backendOf: (task) => createLmdbBackend(environment, task),
    close() {
      const remove = (): void => rmSync(path, { recursive: true, force: true })
      void environment.close().then(remove, remove)
    },
  }
}
