import assert from 'node:assert/strict'
import { TopologyTestDriver } from 'revlog/test-driver'
import { kTable } from '../../../lib/dsl/ktable.js'
import { stream } from '../../../lib/dsl/sources.js'
import { asOfJoin } from '../../../lib/operators/as-of-join/index.js'
import { PACE, type Pace } from '../../../lib/operators/as-of-join/pace.js'
import { RULES, type Rules } from '../../../lib/operators/as-of-join/rules.js'
import { json } from '../../../lib/serdes/json.js'
import { string } from '../../../lib/serdes/primitives.js'
import { topic } from '../../../lib/topology/topic.js'
import { type Topology, topology } from '../../../lib/topology/topology.js'
import {
  type Answer,
  type Arrival,
  batchJoin,
  type Case,
  type LeftEvent,
  type Options,
  type RightValue,
  randomOf,
} from './workload.js'

export const lefts = topic('lefts', { key: string(), value: json<LeftEvent>() })
export const rights = topic('rights', { key: string(), value: json<RightValue>() })
export const answers = topic('answers', { key: string(), value: json<Answer>() })

export const joined = (options: Options, rules: Rules = RULES, pace: Pace = PACE) =>
  kTable(
    asOfJoin(stream(lefts).shape, stream(rights).shape, { ...options, value: json<Answer>() }, rules, pace),
  )

export const topologyOf = (options: Options, rules: Rules = RULES, pace: Pace = PACE): Topology =>
  topology('oracle', [joined(options, rules, pace).toStream().to(answers)])

export type Schedule = 'in order' | 'crash at every step' | 'crash and send again' | 'wiped now and then'
export const SCHEDULES: readonly Schedule[] = [
  'in order',
  'crash at every step',
  'crash and send again',
  'wiped now and then',
]

/** Time and a key of no interest, far enough for everything before it to be final. */
const END = 1_000_000

export interface RunOptions {
  readonly schedule: Schedule
  readonly store?: 'memory' | 'lmdb'
  readonly partitions?: number
  readonly rules?: Rules
  readonly pace?: Pace
}

/** Runs a case and compares the last revisions with the batch join. */
export function check(c: Case, run: RunOptions): void {
  const driver = new TopologyTestDriver(topologyOf(c.options, run.rules, run.pace), {
    store: run.store ?? 'memory',
    partitions: run.partitions ?? 1,
    commitEvery: run.schedule === 'in order' ? 1 + (c.seed % 4) : 1,
  })
  try {
    feed(driver, c, run.schedule, run.partitions)
    const expected = batchJoin(c)
    const got = new Map([...driver.lastRevisions(answers)].filter(([id]) => id !== 'end'))
    assert.deepEqual(
      sorted(got),
      sorted(expected),
      `seed ${c.seed}, ${run.schedule}: last revisions are not the batch join`,
    )
    checkRevisions(driver, c.seed)
  } finally {
    driver.close()
  }
}

export const sorted = <V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))

export function feed(driver: TopologyTestDriver, c: Case, schedule: Schedule, partitions = 1): void {
  const random = randomOf(c.seed + 77)
  for (const arrival of c.arrivals) {
    if (schedule === 'crash at every step') driver.crashAfter(1)
    if (schedule === 'crash and send again' && random.chance(0.5)) driver.crashAfter(1, 'resent')
    pipe(driver, arrival)
    if (schedule === 'crash at every step') driver.restart()
    if (schedule === 'wiped now and then' && random.chance(0.2))
      driver.wipe({ compacted: random.chance(0.5) })
  }
  for (let partition = 0; partition < partitions; partition++) finish(driver, partition)
  driver.commit()
}

/** Moves both sides of a partition on until everything is final. */
function finish(driver: TopologyTestDriver, partition: number): void {
  const end = { key: 'end', partition }
  driver.inputTopic(rights).pipeRecord({ ...end, value: 1, timestamp: END })
  driver.inputTopic(lefts).pipeRecord({ ...end, value: { id: 'end', v: 0 }, timestamp: END })
  driver.inputTopic(rights).pipeRecord({ ...end, value: 1, timestamp: END + 1 })
}

export function pipe(driver: TopologyTestDriver, arrival: Arrival): void {
  if (arrival.side === 'left') driver.inputTopic(lefts).pipeInput(arrival.key, arrival.value, arrival.t)
  else driver.inputTopic(rights).pipeInput(arrival.key, arrival.value, arrival.t)
}

/** Equal revisions of one id have equal values, whoever emitted them and however often. */
function checkRevisions(driver: TopologyTestDriver, seed: number): void {
  const seen = new Map<string, string>()
  for (const { key, value, headers } of driver.outputTopic(answers).readRecordsToList()) {
    const revision = headers.find((h) => h.key === 'revlog-revision')?.value
    assert.ok(revision !== undefined && revision !== null, `seed ${seed}: an answer without a revision`)
    const at = `${key} ${revision.toString('hex')}`
    const text = JSON.stringify(value) ?? 'tombstone'
    assert.equal(seen.get(at) ?? text, text, `seed ${seed}: revision ${at} has two values`)
    seen.set(at, text)
  }
}
