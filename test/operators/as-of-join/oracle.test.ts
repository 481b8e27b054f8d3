import assert from 'node:assert/strict'
import { RULES, type Rules } from '../../../lib/operators/as-of-join/rules.js'
import { check, type RunOptions, SCHEDULES } from './run.js'
import { caseOf, randomOf } from './workload.js'

/** REVLOG_SEEDS=20000 tries more; REVLOG_SEED=4711 tries one. */
const seedsOf = (count: number): readonly number[] => {
  const { REVLOG_SEED, REVLOG_SEEDS } = process.env
  if (REVLOG_SEED !== undefined) return [Number(REVLOG_SEED)]
  const n = REVLOG_SEEDS === undefined ? count : Math.ceil((Number(REVLOG_SEEDS) * count) / 2_000)
  return Array.from({ length: n }, (_, i) => i + 1)
}

/** The seed decides the schedule and the partitions too, so a seed says everything. */
const runOf = (seed: number): RunOptions => {
  const random = randomOf(seed + 31)
  return { schedule: random.pick(SCHEDULES), partitions: random.pick([1, 1, 3]) }
}

describe('the as-of join converges to the batch join', () => {
  it('for every seed, in any arrival order within the grace period, through crashes and lost state', function () {
    this.timeout(600_000)
    for (const seed of seedsOf(2_000)) check(caseOf(seed), runOf(seed))
  })

  it('on LMDB too', function () {
    this.timeout(600_000)
    for (const seed of seedsOf(200)) check(caseOf(seed + 1_000_000), { ...runOf(seed), store: 'lmdb' })
  })

  const mutants: { readonly [name: string]: Partial<Rules> } = {
    'forgets the floor': { supersededAt: () => -1 },
    'takes the greater clock': { clock: Math.max },
    'takes strict for inclusive': { matches: (t, leftTime) => t < leftTime },
    'takes inclusive for strict': { matches: (t, leftTime) => t <= leftTime },
    'lets the earlier of a tie win': { replaces: () => false },
    'ignores the sequence': { replaces: () => true },
    'takes the last open event for final': { isOpen: (t, horizon) => t > horizon },
  }
  for (const [name, mutation] of Object.entries(mutants)) {
    it(`and this test notices a join that ${name}`, () => {
      const rules = { ...RULES, ...mutation }
      const noticed = seedsOf(300).some((seed) => {
        try {
          check(caseOf(seed), { ...runOf(seed), rules })
          return false
        } catch {
          return true
        }
      })
      assert.ok(noticed, 'no seed failed')
    })
  }
})
