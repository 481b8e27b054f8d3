import type { Duration } from '../lib/core/duration.js'
import { RevlogError } from '../lib/core/errors.js'
import { type ErrorPolicies, FAIL_ON_ERROR } from '../lib/engine/errors.js'
import type { HostOptions } from './host.js'
import type { StoreEngine } from './task-states.js'

export interface TestDriverOptions {
  /** Partitions of every topic, or by topic's name (1 for those not named). 1 when absent. */
  readonly partitions?: number | { readonly [topic: string]: number }
  /** Wall-clock time to begin with, in milliseconds since the epoch. It only moves by `advanceWallClockTime`. 0 when absent. */
  readonly wallTime?: number
  /** Time of the first record of an input topic that says none. `wallTime` when absent. */
  readonly startTime?: number
  /** How far an input topic's time goes on after each record that says none. 0 when absent. */
  readonly autoAdvance?: Duration
  /** What happens to bad records; each `fail` when absent. */
  readonly onError?: Partial<ErrorPolicies>
  /** Kafka Streams' `max.task.idle.ms`: how long an empty input is waited for; `'never'` takes what there is. 0 when absent. */
  readonly maxTaskIdle?: Duration | 'never'
  /** Where state is kept; `lmdb` uses a temporary directory until `close()`. `memory` when absent. */
  readonly store?: StoreEngine
  /** Of revisions: see `Revision`. */
  readonly generation?: number
  /** A task commits after so many records. What is not committed is in no output topic yet. 1 when absent. */
  readonly commitEvery?: number
  /** A function of the topology that calls `Date.now`, `new Date()` or `Math.random` fails. False when absent. */
  readonly strict?: boolean
}

/** The options of the driver as the host takes them. */
export function hostOptions(options: TestDriverOptions): HostOptions {
  const { partitions = 1, wallTime = 0, maxTaskIdle = 0, generation = 0 } = options
  const { commitEvery = 1, store = 'memory', strict = false } = options
  requireWhole('commitEvery', commitEvery, 1)
  requireWhole('wallTime', wallTime, 0)
  for (const count of typeof partitions === 'number' ? [partitions] : Object.values(partitions)) {
    requireWhole('partitions', count, 1)
  }
  return {
    partitionsOf: (topic) => (typeof partitions === 'number' ? partitions : (partitions[topic] ?? 1)),
    store,
    errors: { ...FAIL_ON_ERROR, ...options.onError },
    maxTaskIdleMs: maxTaskIdle === 'never' ? -1 : maxTaskIdle,
    generation,
    wallTime,
    commitEvery,
    strict,
  }
}

function requireWhole(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new RevlogError('E_OPTION', `${option} is ${value}`, {
    remedy: `give ${option} a whole number of ${least} or more`,
  })
}
