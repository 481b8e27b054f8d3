import assert from 'node:assert/strict'
import type { Appended } from '../../../lib/brokers/port.js'
import type { Ledger } from '../../../lib/service/protocol/ledger.js'
import type { TransactionalProducer } from '../../../lib/service/protocol/ports.js'
import type { Topology } from '../../../lib/topology/topology.js'
import { aggregate, asOf, counter } from './sim-application.js'
import type { Guarantee, Mutant } from './sim-process.js'
import { type Faults, type Outcome, simulate } from './simulation.js'

const { REVLOG_SIM_SEEDS = '100', REVLOG_SIM_SEED = '1' } = process.env
const SEEDS = Number(REVLOG_SIM_SEEDS)
const FIRST = Number(REVLOG_SIM_SEED)

const NONE: Faults = {
  crashes: false,
  wipes: false,
  powerLoss: false,
  moves: false,
  lostAnswers: false,
  zombies: false,
}
const ALL: Faults = {
  crashes: true,
  wipes: true,
  powerLoss: true,
  moves: true,
  lostAnswers: true,
  zombies: true,
}
const SWEEPS: readonly (readonly [name: string, faults: Faults])[] = [
  ['crashes', { ...NONE, crashes: true }],
  ['crashes, lost disks, lost power, moves', { ...ALL, zombies: false, lostAnswers: false }],
  ['all of it, with zombies and lost answers', ALL],
]
const APPLICATIONS: readonly Topology[] = [counter, asOf, aggregate]

describe('the protocols, on simulated machines', () => {
  for (const guarantee of ['at_least_once', 'exactly_once'] as const) {
    for (const [name, faults] of SWEEPS) {
      for (const topology of APPLICATIONS) {
        it(`${guarantee}: ${topology.name}: ${name} (${SEEDS} seeds)`, async () => {
          for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
            try {
              check(await simulate(seed, topology, guarantee, faults), topology, guarantee)
            } catch (thrown) {
              throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown })
            }
          }
        })
      }
    }
  }
})

describe('a guarantee that is changed, in the middle of everything', () => {
  for (const [first, second] of [
    ['at_least_once', 'exactly_once'],
    ['exactly_once', 'at_least_once'],
  ] as const) {
    for (const topology of APPLICATIONS) {
      it(`${topology.name}: ${first}, then ${second} (${SEEDS} seeds)`, async () => {
        for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
          try {
            check(await simulate(seed, topology, [first, second], ALL), topology, 'at_least_once')
          } catch (thrown) {
            throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown })
          }
        }
      })
    }
  }
})

describe('the simulation', () => {
  const seeds = 400

  async function isNoticed(topology: Topology, guarantee: Guarantee, mutant: Mutant): Promise<void> {
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        check(await simulate(seed, topology, guarantee, ALL, mutant), topology, guarantee)
      } catch {
        return
      }
    }
    assert.fail(`${seeds} seeds did not notice`)
  }
  /** Where the changelog records would go if nobody else wrote. */
  const unfenced = (ledger: Ledger, appended: readonly Appended[]): readonly Appended[] =>
    appended.map((own) => ({ ...own, baseOffset: ledger.end() ?? 0 }))

  it('notices a commit that does not look whether somebody else writes', () =>
    isNoticed(counter, 'at_least_once', {
      async commit(ledger, producer) {
        await producer.send(ledger.outputs())
        ledger.acknowledge(unfenced(ledger, await producer.send(ledger.changelog(0))))
        ledger.apply()
      },
    }))

  it('notices a marker that comes before the outputs that it speaks of', () =>
    isNoticed(asOf, 'at_least_once', {
      async commit(ledger, producer) {
        const outputs = ledger.outputs()
        ledger.acknowledge(await producer.send(ledger.changelog(0)))
        ledger.apply()
        await producer.send(outputs)
      },
    }))

  it('notices repartition topics without an outbox', () =>
    isNoticed(aggregate, 'at_least_once', { withoutOutbox: true }))

  it('notices a state that is committed before the transaction is', () =>
    isNoticed(counter, 'exactly_once', {
      async commit(ledger, producer) {
        const records = [...ledger.outputs(), ...ledger.changelog(0)]
        const positions = ledger.positions()
        ledger.acknowledge(unfenced(ledger, await producer.send(records)))
        ledger.apply()
        await (producer as TransactionalProducer).commit(positions)
      },
    }))

  it('notices a reader of what is not committed', () =>
    isNoticed(aggregate, 'exactly_once', { readsUncommitted: true }))
})

function check(outcome: Outcome, topology: Topology, guarantee: Guarantee): void {
  const { truth } = outcome
  if (topology === counter) {
    assert.deepEqual(outcome.counts, truth.counts)
    assert.deepEqual(outcome.stores.get('counts'), truth.counts)
  } else {
    const priced = new Map([...truth.priced].map(([id, answer]) => [id, JSON.stringify(answer)]))
    assert.deepEqual(new Map([...outcome.priced].sort()), new Map([...priced].sort()))
  }
  if (topology === aggregate) {
    assert.deepEqual(totalsOf(outcome.stores.get('totals')!), totalsOf(truth.totals))
  }
  if (guarantee === 'exactly_once') assert.equal(outcome.repeated, 0)
}

/** A group whose last answer was taken back has a total of nothing. */
const totalsOf = (totals: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
  new Map([...totals].filter(([, total]) => total !== 0).sort())
