import { isDeepStrictEqual } from 'node:util'
import type { Duration } from '../../lib/core/duration.js'
import { hours } from '../../lib/core/duration.js'
import { messageOf, RevlogError } from '../../lib/core/errors.js'
import type { SinkNode } from '../../lib/topology/node.js'
import type { Topology } from '../../lib/topology/topology.js'
import type { TestDriverOptions } from '../driver-options.js'
import type { Arrival, Arrivals } from './arrivals.js'
import { type Difference, differencesOf, type Equals, type Readable, readable } from './differences.js'
import { minimise } from './minimise.js'
import { createRandom } from './random.js'
import { describeFailure } from './report.js'
import { type Outcome, type RunOptions, runSchedule } from './run.js'
import { type Disorder, type Fault, inOrder, type Schedule, shuffled } from './schedule.js'

export interface ConvergenceOptions
  extends Pick<
    TestDriverOptions,
    'partitions' | 'store' | 'onError' | 'maxTaskIdle' | 'generation' | 'wallTime' | 'strict'
  > {
  /** How many runs, from seed 1 on; or which seeds. 100 when absent. */
  readonly seeds?: number | readonly number[]
  /** How late a record may arrive, in event time. Any order when absent. */
  readonly gracePeriod?: Duration
  /**
   * What a record's lateness is measured against: the greatest time that arrived in its own topic (default; the
   * topics may then lag behind each other as far as they like), or in any topic.
   */
  readonly clock?: 'per-topic' | 'shared'
  /**
   * What goes wrong meanwhile: `crash` loses what was not committed, `resend` too, but after its outputs were sent
   * (at-least-once processing), `wipe` loses the state, which comes back from the changelog. All when absent.
   */
  readonly faults?: readonly Fault[]
  /** Topics that are compared. Every topic that the topology writes when absent. */
  readonly tables?: readonly { readonly name: string }[]
  /** When two last values count as equal. Deep equality when absent; for sums of fractions allow for rounding. */
  readonly equals?: Equals
  /** Wall-clock time that passes after the last record, so that timers have had their say. An hour when absent. */
  readonly settle?: Duration
}

/** What failed, as the `cause` of the error. */
export interface ConvergenceFailure {
  readonly seed: number
  readonly differences: readonly Difference[]
  /** The shortest schedule found that shows it. */
  readonly schedule: Schedule
}

const MINIMISE_RUNS = 500

/**
 * Tests that the answers of a topology do not depend on the order of arrival. Runs it once with all records in
 * the order of event time; then, for each seed, with the records shuffled within the grace period, batched,
 * duplicated where that is allowed, and with crashes, restarts and lost state in between. The last tables (of each
 * key the greatest revision, or the last value) must be those of the run in order.
 *
 * @throws RevlogError `E_NOT_CONVERGED` with the seed, the differences and the shortest schedule found that shows
 *   them; `E_NOTHING_TO_COMPARE` when the run in order leaves every table empty.
 * @returns the number of runs.
 * @example
 * expectConverges(consultants, [arrivals(moods, someMoods), arrivals(recommendations, some)], {
 *   seeds: 200,
 *   gracePeriod: minutes(10),
 * })
 */
export function expectConverges(
  topology: Topology,
  inputs: readonly Arrivals[],
  options: ConvergenceOptions = {},
): number {
  const { seeds = 100, gracePeriod, clock = 'per-topic', faults = ['crash', 'resend', 'wipe'] } = options
  const { equals = isDeepStrictEqual } = options
  const tables = tablesOf(topology, options.tables)
  const runOptions: RunOptions = {
    driver: options,
    topics: tables.map((topic) => topic.name),
    settleMs: options.settle ?? hours(1),
  }
  const run = (schedule: Schedule): Outcome => runSchedule(topology, schedule, runOptions)
  const disorder: Disorder = { graceMs: gracePeriod ?? Infinity, clock, faults }

  const reference = run(inOrder(inputs.map((input) => input.records)))
  if ([...reference.tables.values()].every((table) => table.size === 0)) {
    throw new RevlogError(
      'E_NOTHING_TO_COMPARE',
      `in order, the run leaves nothing in ${tables.map((t) => t.name).join(', ')}`,
      { remedy: 'give inputs that lead to answers with keys, or name other tables' },
    )
  }
  const list = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i + 1) : seeds
  for (const seed of list) {
    const schedule = shuffled(inputs, disorder, createRandom(seed))
    if (!failsAgainst(reference, schedule)) continue
    const shortest = minimise(schedule, (s) => failsAgainst(referenceFor(s), s), MINIMISE_RUNS)
    throw failure(seed, shortest)
  }
  return list.length

  function failsAgainst(expected: Outcome, schedule: Schedule): boolean {
    try {
      return differencesOf(expected.tables, run(schedule).tables, tables, equals).length > 0
    } catch {
      return true
    }
  }

  /** The run in order of what a shortened schedule still has. */
  function referenceFor({ steps }: Schedule): Outcome {
    const kept = new Set<Arrival>(steps.flatMap((step) => (step.kind === 'arrive' ? [step.arrival] : [])))
    return run(inOrder(inputs.map((input) => input.records.filter((arrival) => kept.has(arrival)))))
  }

  function failure(seed: number, schedule: Schedule): RevlogError {
    const expected = referenceFor(schedule)
    let actual: Outcome | undefined
    let thrown: unknown
    try {
      actual = run(schedule)
    } catch (error) {
      thrown = error
    }
    const differences =
      actual === undefined ? [] : differencesOf(expected.tables, actual.tables, tables, equals)
    const cause: ConvergenceFailure = { seed, differences, schedule }
    const total = inputs.reduce((sum, input) => sum + input.records.length, 0)
    return new RevlogError(
      'E_NOT_CONVERGED',
      actual === undefined
        ? `with seed ${seed} the run failed, while the one in order did not: ${messageOf(thrown)}`
        : describeFailure({ topology: topology.name, seed, schedule, differences, expected, actual, total }),
      {
        cause: thrown ?? cause,
        remedy: `run it alone with { seeds: [${seed}] }; what depends on order needs event time (asOfJoin, a window), or { keepOrder: 'key' } for its input`,
      },
    )
  }
}

function tablesOf(topology: Topology, named: ConvergenceOptions['tables']): readonly Readable[] {
  const sinks = topology.nodes
    .filter((node): node is SinkNode => node.kind === 'sink')
    .map((node) => readable(node.topic))
    .toArray()
  const known = [...new Map(sinks.map((topic) => [topic.name, topic])).values()]
  if (named === undefined) return known
  return named.map(({ name }) => {
    const found = known.find((topic) => topic.name === name)
    if (found !== undefined) return found
    throw new RevlogError('E_TOPIC_UNKNOWN', `topology ${topology.name} does not write topic ${name}`, {
      remedy: `it writes ${known.map((topic) => topic.name).join(', ')}`,
    })
  })
}
