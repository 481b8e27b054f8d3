import { createMemoryBackend } from '../../../lib/state/memory/index.js'
import type { StateBackend, StoreWrites } from '../../../lib/state/port.js'

/** The state of one task on one machine: it outlives the process. */
export interface SimDisk {
  /** For the next life of the process. */
  readonly open: () => StateBackend
  readonly wipe: () => void
  /** The machine went down: the last transactions, so many at most, are gone. */
  readonly powerLoss: (transactions: number) => void
}

type Entry = { readonly writes: readonly StoreWrites[]; readonly metadata: Buffer | undefined } | 'wipe'

export function createSimDisk(): SimDisk {
  let log: Entry[] = []
  let current = createMemoryBackend()
  /** A process that lost the disk, by a crash, writes nowhere. */
  let life = 0

  function rebuild(): void {
    current = createMemoryBackend()
    for (const entry of log) {
      if (entry === 'wipe') current.wipe()
      else current.commit(entry.writes, entry.metadata)
    }
  }

  return {
    open() {
      const own = ++life
      const backend = current
      return {
        ...backend,
        commit(writes, metadata) {
          if (own !== life) return
          log.push({ writes, metadata })
          backend.commit(writes, metadata)
        },
        wipe() {
          if (own !== life) return
          log = []
          backend.wipe()
        },
      }
    },
    wipe() {
      life++
      log = []
      rebuild()
    },
    powerLoss(transactions) {
      life++
      log = log.slice(0, Math.max(0, log.length - transactions))
      rebuild()
    },
  }
}
