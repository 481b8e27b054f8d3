import type { Metrics } from '../lib/core/metrics.js'

/**
 * How many records a task dropped, by reason, over all its lives: what a crash took back was not dropped, it is
 * dropped again.
 */
export interface DropCounts {
  /** A task begins: its counters start at 0. */
  readonly follow: (metrics: Metrics) => void
  readonly commit: () => void
  readonly counts: () => ReadonlyMap<string, number>
}

const PREFIX = 'dropped-records.'

export function createDropCounts(): DropCounts {
  let before: ReadonlyMap<string, number> = new Map()
  let committed: ReadonlyMap<string, number> = new Map()
  let metrics: Metrics | undefined

  const current = (): ReadonlyMap<string, number> => {
    const counts = new Map(before)
    for (const [name, value] of metrics?.snapshot().counters ?? []) {
      if (!name.startsWith(PREFIX)) continue
      const reason = name.slice(PREFIX.length)
      counts.set(reason, (counts.get(reason) ?? 0) + value)
    }
    return counts
  }
  return {
    follow(next) {
      before = committed
      metrics = next
    },
    commit() {
      committed = current()
    },
    counts: current,
  }
}
