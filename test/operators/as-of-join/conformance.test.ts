import assert from 'node:assert/strict'
import { TopologyTestDriver } from 'revlog/test-driver'
import { milliseconds } from '../../../lib/core/duration.js'
import { string } from '../../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../../lib/state/memory/index.js'
import { versionedStore } from '../../../lib/state/stores/versioned-store.js'
import { createWriteBuffer } from '../../../lib/state/write-buffer.js'
import { topology } from '../../../lib/topology/topology.js'
import { conforms } from '../../conformance.js'
import {
  BATCH,
  batchOf,
  type Event,
  type JoinOptions,
  joinOf,
  type Pair,
  type RecordedCase,
  type Row,
  STREAMS,
  type Step,
  type StreamCase,
  sorted,
  stepOf,
  stepsOf,
  topicsOf,
} from './recorded.js'
import { randomOf } from './workload.js'

/** The least grace period with which no record of this order is late. */
function disorderOf(steps: readonly Step[]): number {
  const time = { left: -1, right: -1 }
  let disorder = 0
  for (const { side, t } of steps) {
    if (t === undefined) continue
    disorder = Math.max(disorder, Math.min(time.left, time.right) - t)
    time[side] = Math.max(time[side], t)
    disorder = Math.max(disorder, Math.min(time.left, time.right) - t)
  }
  return disorder
}

const topics = topicsOf()
const { lefts, rights, pairs } = topics

const driverOf = (recorded: RecordedCase<unknown>, grace: number): TopologyTestDriver =>
  new TopologyTestDriver(topology('conformance', [joinOf(recorded, topics, 'join', milliseconds(grace))]), {
    onError: { timestamp: 'skip' }, // a row without a time is no event
  })

function pipe(driver: TopologyTestDriver, { side, key, value, t }: Step): void {
  driver.inputTopic(side === 'left' ? lefts : rights).pipeInput(key, value, t)
}

/** Shuffled, except that versions of one key and time stay in the order of the log: it decides between them. */
function shuffled(steps: readonly Step[], seed: number): readonly Step[] {
  const random = randomOf(seed)
  const order = steps.map((step) => ({ step, at: random.next() })).sort((a, b) => a.at - b.at)
  const ties = new Map<string, Step[]>()
  const name = ({ side, key, t }: Step): string => `${side} ${key} ${t}`
  for (const step of steps) ties.set(name(step), [...(ties.get(name(step)) ?? []), step])
  return order.map(({ step }) => (step.side === 'left' ? step : ties.get(name(step))!.shift()!))
}

const byTime = (steps: readonly Step[]): readonly Step[] => [...steps].sort((a, b) => (a.t ?? 0) - (b.t ?? 0))
describe('the last revisions are the batch as-of join as others recorded it', () => {
  for (const [project, applicable] of Object.entries(BATCH)) {
    conforms<RecordedCase<readonly Pair[]>[]>('asof', `batch-${project}`, (cases) => {
      const backward = cases.filter(({ options }) => options.direction === 'backward')
      assert.equal(backward.length, applicable)
      for (const recorded of backward) {
        const { lefts, rights } = stepsOf(recorded)
        const orders: readonly (readonly [string, readonly Step[]])[] = [
          ['in order', byTime([...rights, ...lefts])],
          ['the left side first', [...lefts, ...rights]],
          ['the right side first', [...rights, ...lefts]],
          ...Array.from(
            { length: 5 },
            (_, seed) => [`shuffled by ${seed}`, shuffled([...lefts, ...rights], seed)] as const,
          ),
        ]
        for (const [order, steps] of orders) {
          const driver = driverOf(recorded, disorderOf(steps))
          for (const step of steps) pipe(driver, step)
          const got = sorted(driver.lastRevisions(pairs).values())
          assert.deepEqual(got, sorted(recorded.expected), `${recorded.name}, ${order}`)
          driver.close()
        }
      }
    })
  }
})

interface Emitted {
  readonly id: string
  readonly rev: number
  readonly left?: unknown
  readonly right?: unknown
  readonly asOf?: number | null
  readonly value?: null
  readonly final: boolean
  readonly late?: boolean
  readonly historyExpired?: boolean
}
interface Derived {
  readonly name: string
  readonly options: JoinOptions
  readonly left: readonly (Row & { readonly id: string })[]
  readonly right: readonly Row[]
  readonly events: readonly Event[]
  readonly expected: {
    readonly perEvent: readonly (readonly Emitted[])[]
    readonly finalTable: { readonly [id: string]: unknown }
  }
}

describe('the revision log, event by event', () => {
  conforms<Derived[]>('asof', 'derived-revision-log', (cases) => {
    assert.equal(cases.length, 11)
    for (const recorded of cases) {
      const driver = driverOf(recorded, recorded.options.grace!)
      const ids = recorded.left.filter(({ v }) => v !== null).map(({ id }) => id)
      const written = new Map<string, number>()
      const taken = new Map<string, number>()
      for (const [n, event] of recorded.events.entries()) {
        // Left records without a value are no events: they are dropped, and have no id.
        const isLeft = event.side === 'left' && event.v !== null
        pipe(driver, stepOf(event, isLeft ? ids.shift() : undefined))
        const expected = recorded.expected.perEvent[n]!
        const keys = driver
          .outputTopic(pairs)
          .readKeyValuesToList()
          .map(({ key }) => key)
        const got = keys.map((id) => {
          const history = driver.revisions(pairs, id)
          const at = taken.get(id) ?? 0
          taken.set(id, at + 1)
          const { value, asOf, final, late, historyExpired, timestamp } = history[at]!
          const left = recorded.left.find((row) => row.id === id)!
          assert.equal(
            timestamp,
            left.t,
            `${recorded.name}, event ${n}: the time of an answer is its left event's`,
          )
          // `rev` there counts what was emitted.
          const rev = written.get(id) ?? 0
          written.set(id, rev + 1)
          if (value === undefined) return { id, rev, value: null, final }
          return {
            id,
            rev,
            ...value,
            asOf: asOf ?? null,
            final,
            ...(late ? { late } : {}),
            ...(historyExpired ? { historyExpired } : {}),
          }
        })
        assert.deepEqual(
          sorted(got.map(ordered)),
          sorted(expected.map(ordered)),
          `${recorded.name}, event ${n}`,
        )
      }
      const table = Object.fromEntries([...driver.lastRevisions(pairs)].map(([id, { right }]) => [id, right]))
      assert.deepEqual(table, recorded.expected.finalTable, `${recorded.name}: the table of last revisions`)
      driver.close()
    }
  })
})

const ordered = (object: object): object => Object.fromEntries(Object.entries(object).sort())

describe('where other streaming joins end somewhere else, the last revisions are the batch join', () => {
  for (const [project, applicable] of Object.entries(STREAMS)) {
    conforms<StreamCase[]>('asof', `stream-${project}`, (cases) => {
      const fed = cases.filter(({ events }) => events !== undefined)
      assert.equal(fed.length, applicable)
      for (const recorded of fed) {
        const steps = recorded
          .events!.filter(({ side }) => side !== 'watermark')
          .map((event, n) => stepOf(event, event.side === 'left' ? `l${n}` : undefined))
        const driver = driverOf(recorded, disorderOf(steps))
        for (const step of steps) pipe(driver, step)
        assert.deepEqual(
          sorted(driver.lastRevisions(pairs).values()),
          sorted(batchOf(recorded)),
          recorded.name,
        )
        driver.close()
      }
    })
  }

  conforms<(StreamCase & { readonly expected: { readonly perEvent: readonly (readonly unknown[])[] } })[]>(
    'asof',
    'stream-proton',
    (cases) => {
      // History kept by number loses the exact match; ours is kept by the horizon.
      const evicted = cases.find(({ name }) => name === 'proton-inner-append-only')!
      assert.deepEqual(evicted.expected.perEvent.at(-1), [[1, 2]])
      assert.deepEqual(batchOf(evicted), [{ left: 1, right: 1 }])
    },
  )

  conforms<(StreamCase & { readonly expected: { readonly perEvent: readonly (readonly unknown[])[] } })[]>(
    'asof',
    'stream-quix',
    (cases) => {
      // An empty object counts as no match there; here it is a value like any other.
      const empty = cases.find(({ name }) => name === 'quix-inner-empty-right')!
      assert.deepEqual(empty.expected.perEvent.at(-1), [])
      assert.deepEqual(batchOf(empty), [{ left: { left: 1 }, right: {} }])
    },
  )
})

type StoreCase = {
  readonly name: string
  readonly options: { readonly historyRetention: number }
  readonly right: readonly { readonly t: number; readonly k: string; readonly v: string | null }[]
  readonly expected: readonly {
    readonly asOf: number
    readonly k: string
    readonly v: string | null
    readonly versionT: number | null
    readonly validTo: number | null
  }[]
}

describe("the versioned store keeps Kafka Streams' history", () => {
  conforms<StoreCase[]>('asof', 'store-kafka-versioned', (cases) => {
    for (const { name, options, right, expected } of cases) {
      const store = versionedStore('v', {
        key: string(),
        value: string(),
        historyRetention: milliseconds(options.historyRetention),
      }).open({ rows: createWriteBuffer('v', createMemoryBackend().rows('v')), onFlush: () => {} })
      for (const { t, k, v } of right) store.put(k, v ?? undefined, t)
      for (const { asOf, k, v, versionT, validTo } of expected) {
        const got = store.get(k, asOf)
        assert.deepEqual(
          [got?.value ?? null, got?.validFrom ?? null, got?.validTo ?? null],
          [v, versionT, validTo],
          `${name}, as of ${asOf}`,
        )
      }
    }
  })
})
