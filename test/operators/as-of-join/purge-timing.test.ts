import assert from 'node:assert/strict'
import { TopologyTestDriver } from 'revlog/test-driver'
import { milliseconds } from '../../../lib/core/duration.js'
import type { Pace } from '../../../lib/operators/as-of-join/pace.js'
import { answers, check, pipe, SCHEDULES, topologyOf } from './run.js'
import { type Arrival, type Case, caseOf, type Options, randomOf } from './workload.js'

const NEVER: Pace = { sweepAfter: Infinity, growth: 1, rowsPerEntry: 0, sweepRows: 1 }
const ALWAYS: Pace = { sweepAfter: 0, growth: 0, rowsPerEntry: 1_000, sweepRows: 1_000 }
const SLOWLY: Pace = { sweepAfter: 3, growth: 0, rowsPerEntry: 1, sweepRows: 1 }

/** Values of up to a page, so that lists of few entries have many pages; late by more than the grace period too. */
function wildCase(seed: number): Case {
  const random = randomOf(seed + 5)
  const calm = caseOf(seed)
  const options: Options = {
    ...calm.options,
    gracePeriod: milliseconds(random.pick([0, 3, 10, 30])),
    tombstoneRetention: milliseconds(random.pick([0, 5, 20, 1_000])),
    ...(random.chance(0.7) ? { late: 'emit' as const } : {}),
    ...(calm.options.delay === undefined ? {} : { delay: milliseconds(0) }),
  }
  const arrivals: Arrival[] = []
  let now = 0
  const keys = ['a', 'b', 'b\0', ''].slice(0, 1 + random.int(4))
  for (let n = 0; n < 60; n++) {
    now += random.pick([0, 0, 1, 2, 5, 30])
    const t = Math.max(0, now - random.pick([0, 0, 0, 1, 4, 20, 50, 120]))
    const key = random.pick(keys)
    const padding = 'x'.repeat(random.pick([0, 10, 1_500, 3_000, 5_000]))
    if (random.chance(0.45)) {
      const id = random.chance(0.15) ? `l${random.int(n + 1)}@${key}` : `l${n}@${key}`
      arrivals.push({ side: 'left', key, t, value: { id, v: n, padding } as never })
    } else {
      const value = random.chance(0.2) ? undefined : ({ v: n, s: random.int(3), padding } as never)
      arrivals.push({ side: 'right', key, t, value })
    }
  }
  return { seed, options, arrivals }
}

/** An ordinary case with values so large that lists have many pages. */
function padded(c: Case): Case {
  const random = randomOf(c.seed + 9)
  const pad = () => 'x'.repeat(random.pick([0, 10, 1_500, 3_000, 5_000]))
  const arrivals = c.arrivals.map((arrival): Arrival => {
    if (arrival.side === 'left') return { ...arrival, value: { ...arrival.value, padding: pad() } as never }
    if (typeof arrival.value !== 'object' || arrival.value === null) return arrival
    return { ...arrival, value: { ...arrival.value, padding: pad() } as never }
  })
  return { ...c, arrivals }
}

const seedsOf = (count: number): readonly number[] => {
  const { REVLOG_SEED, REVLOG_SEEDS = '2000' } = process.env
  if (REVLOG_SEED !== undefined) return [Number(REVLOG_SEED)]
  return Array.from({ length: Math.ceil((Number(REVLOG_SEEDS) * count) / 2_000) }, (_, i) => i + 1)
}

/** Everything that was written to the answers, byte for byte, and what was counted. */
function outputsOf(c: Case, pace: Pace, commitEvery: number, wipe: boolean): unknown {
  const driver = new TopologyTestDriver(topologyOf(c.options, undefined, pace), { commitEvery })
  try {
    for (const [n, arrival] of c.arrivals.entries()) {
      pipe(driver, arrival)
      if (wipe && n % 7 === 3) driver.wipe()
    }
    driver.commit()
    const written = driver
      .outputTopic(answers)
      .readRecordsToList()
      .map(({ key, value, timestamp, headers }) => ({
        key,
        value: JSON.stringify(value)?.replace(/x{10,}/g, 'x'),
        timestamp,
        headers: headers.map((h) => `${h.key}=${h.value?.toString('hex')}`),
      }))
    return { written, dropped: [...driver.dropped()].sort() }
  } finally {
    driver.close()
  }
}

describe('when the join purges', () => {
  it('changes no answer, no header and no count: never, at once, row by row, with any commit size', function () {
    this.timeout(120_000)
    for (const seed of seedsOf(80)) {
      const c = wildCase(seed)
      const expected = outputsOf(c, NEVER, 1, false)
      for (const [name, pace, commitEvery, wipe] of [
        ['at once', ALWAYS, 1, false],
        ['row by row', SLOWLY, 1, false],
        ['at once, commits of 1,000', ALWAYS, 1_000, false],
        ['never, commits of 1,000', NEVER, 1_000, false],
        ['row by row, wiped', SLOWLY, 1, true],
      ] as const) {
        // When reviews happen is not state: lost state reviews at other times.
        if (wipe && c.options.corrections !== undefined) continue
        assert.deepEqual(
          outputsOf(c, pace, commitEvery, wipe),
          expected,
          `seed ${seed}: purged ${name}, the outputs differ`,
        )
      }
    }
  })

  it('keeps to the batch join with lists of many pages, purged at once and row by row', function () {
    this.timeout(120_000)
    for (const seed of seedsOf(150)) {
      const random = randomOf(seed + 3)
      const run = { schedule: random.pick(SCHEDULES), pace: random.pick([ALWAYS, SLOWLY, NEVER]) }
      check(padded(caseOf(seed + 50_000)), run)
    }
  })
})
