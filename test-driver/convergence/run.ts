import type { BinaryKey } from '../../lib/core/binary-key.js'
import type { Topology } from '../../lib/topology/topology.js'
import { hostOptions, type TestDriverOptions } from '../driver-options.js'
import { createHost } from '../host.js'
import { lastRecords } from '../revision-log.js'
import type { Schedule } from './schedule.js'

/** The last tables of a run: by topic, then key, the value's bytes. */
export type Tables = ReadonlyMap<string, ReadonlyMap<BinaryKey, Buffer>>

export interface Outcome {
  readonly tables: Tables
  readonly dropped: ReadonlyMap<string, number>
}

export interface RunOptions {
  readonly driver: TestDriverOptions
  readonly topics: readonly string[]
  /** Wall-clock time that passes at the end. */
  readonly settleMs: number
}

/** Runs a schedule on new tasks and says what is left in the end. */
export function runSchedule(topology: Topology, schedule: Schedule, options: RunOptions): Outcome {
  const { commitEvery } = schedule
  const host = createHost(topology, hostOptions({ ...options.driver, commitEvery }))
  try {
    for (const step of schedule.steps) {
      switch (step.kind) {
        case 'arrive':
          host.append(step.arrival.record)
          break
        case 'process':
          host.run()
          break
        case 'crash':
          host.crashAfter(step.after, step.crash)
          break
        case 'restart':
          host.restart()
          break
        case 'wipe':
          host.wipe(step.compacted)
          break
        case 'wait':
          host.advanceWallClock(step.ms)
          break
      }
    }
    host.run()
    if (options.settleMs > 0) host.advanceWallClock(options.settleMs)
    host.commit()
    return {
      tables: new Map(options.topics.map((topic) => [topic, tableOf(host.topics.get(topic)?.written ?? [])])),
      dropped: host.dropped(),
    }
  } finally {
    host.close()
  }
}

function tableOf(written: Parameters<typeof lastRecords>[0]): ReadonlyMap<BinaryKey, Buffer> {
  const table = new Map<BinaryKey, Buffer>()
  for (const [key, { value }] of lastRecords(written)) if (value !== undefined) table.set(key, value)
  return table
}
