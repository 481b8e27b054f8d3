import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLmdbBackend } from '../../lib/state/lmdb/backend.js'
import { openEnvironment } from '../../lib/state/lmdb/environment.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import type { StateBackend } from '../../lib/state/port.js'

export type Stores = 'memory' | 'lmdb'

/** State of one task that is thrown away after the benchmark. */
export interface Scratch {
  readonly backend: StateBackend
  readonly diskMiB: () => number
  readonly remove: () => Promise<void>
}

/** LMDB with lazy flush: the mode of a task whose changelog is elsewhere, and what RocksDB does in the Java peer. */
export function openScratch(stores: Stores): Scratch {
  if (stores === 'memory') {
    return { backend: createMemoryBackend(), diskMiB: () => 0, remove: async () => {} }
  }
  const folder = mkdtempSync(join(tmpdir(), 'revlog-bench-state-'))
  const environment = openEnvironment(folder, { durability: 'lazy', maxDatabases: 16 })
  return {
    backend: createLmdbBackend(environment, '0_0'),
    diskMiB: () => Math.round(sizeOf(folder) / 2 ** 20),
    async remove() {
      await environment.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Bytes on the disk: a file of LMDB may have holes. */
export const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).blocks * 512, 0)
