import type { Duration } from '../lib/core/duration.js'
import type { ErrorPolicies } from '../lib/engine/errors.js'
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
}

export const partitionsOf =
  (partitions: TestDriverOptions['partitions'] = 1) =>
  (topic: string): number =>
    typeof partitions === 'number' ? partitions : (partitions[topic] ?? 1)
