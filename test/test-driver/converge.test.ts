import assert from 'node:assert/strict'
import {
  float64,
  int64,
  json,
  milliseconds,
  RevlogError,
  seconds,
  stream,
  string,
  table,
  topic,
  topology,
} from '../../lib/index.js'
import { type Arrivals, arrivals, type ConvergenceFailure, expectConverges } from '../../test-driver/index.js'
import { billing, counting, countingLetters, orders, prices, words } from './topologies.js'

const someWords: Arrivals = arrivals(
  words,
  Array.from({ length: 60 }, (_, i) => ({
    key: `key-${i % 7}`,
    value: `${'abc'.charAt(i % 3)}${i}`,
    timestamp: i * 100,
  })),
)

const failureOf = (run: () => unknown): { error: RevlogError; cause: ConvergenceFailure } => {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof RevlogError)
    assert.equal(error.code, 'E_NOT_CONVERGED')
    return { error, cause: error.cause as ConvergenceFailure }
  }
  return assert.fail('it converged')
}

describe('expectConverges', () => {
  it('passes a count, in any order, over crashes, restarts and lost state', () => {
    assert.equal(expectConverges(counting, [someWords], { seeds: 100 }), 100)
    assert.equal(expectConverges(counting, [someWords], { seeds: 20, partitions: 3, store: 'lmdb' }), 20)
  })

  it('passes a count behind a repartition topic', () => {
    expectConverges(countingLetters, [someWords], { seeds: 100, partitions: 3 })
  })

  it('passes a table that is grouped again, each key in its own order', () => {
    const homes = topic('homes', { key: string(), value: string() })
    const residents = topic('residents', { key: string(), value: int64() })
    const app = topology('residents', [
      table(homes)
        .groupBy((city) => city, { name: 'by-city', key: string() })
        .count({ name: 'per-city' })
        .toStream()
        .to(residents),
    ])
    const moves = arrivals(
      homes,
      Array.from({ length: 50 }, (_, i) => ({
        key: `p${i % 5}`,
        value: i % 11 === 10 ? undefined : `city-${(i * 7) % 4}`,
        timestamp: i * 10,
      })),
      { keepOrder: 'key' },
    )
    expectConverges(app, [moves], { seeds: 100, partitions: 2 })
  })

  it('passes a stream-table join whose table was complete before', () => {
    // A table that is fed in the reference order has nothing to be late with.
    const priced = arrivals(prices, [{ key: 'k', value: 5, timestamp: 0 }])
    const ordered = arrivals(orders, [{ key: 'k', value: { item: 'x', amount: 2 }, timestamp: 10_000 }])
    expectConverges(billing, [priced, ordered], { seeds: 50, gracePeriod: seconds(1), clock: 'shared' })
  })

  describe('finds', () => {
    it('a stream-table join, which depends on what arrives first', () => {
      const priced = arrivals(
        prices,
        Array.from({ length: 20 }, (_, i) => ({ key: `k${i % 4}`, value: i, timestamp: i * 100 })),
        { keepOrder: 'key' },
      )
      const ordered = arrivals(
        orders,
        Array.from({ length: 20 }, (_, i) => ({
          key: `k${i % 4}`,
          value: { item: `item-${i}`, amount: 1 },
          timestamp: i * 100 + 50,
        })),
      )
      const { error, cause } = failureOf(() =>
        expectConverges(billing, [priced, ordered], { gracePeriod: seconds(1) }),
      )
      assert.match(error.message, /topology billing gives another answer .* \(seed \d+\)/)
      assert.match(error.message, /bills 'k\d': in order \{ item: .* \}, in this run/)
      assert.match(error.message, /the shortest schedule that shows it, [123] of 40 records/)
      assert.match(error.message, /orders "k\d" at \d+: \{"item":"item-\d+","amount":1\}/)
      assert.ok(error.remedy?.includes(`{ seeds: [${cause.seed}] }`))
      assert.equal(cause.differences[0]?.topic, 'bills')
      // It fails alone, too.
      const again = failureOf(() =>
        expectConverges(billing, [priced, ordered], { gracePeriod: seconds(1), seeds: [cause.seed] }),
      )
      assert.equal(again.error.message, error.message)
    })

    const last = topic('last', { key: string(), value: string() })
    const lastWins = topology('last-wins', [
      stream(words)
        .groupByKey()
        .reduce((_, word) => word, { name: 'latest' })
        .toStream()
        .to(last),
    ])

    it('an aggregate in which the last one to arrive wins, with two records', () => {
      const { cause } = failureOf(() => expectConverges(lastWins, [someWords], { gracePeriod: seconds(5) }))
      assert.equal(cause.schedule.steps.filter((step) => step.kind === 'arrive').length, 2)
    })

    it('but not within a grace period in which nothing can overtake', () => {
      expectConverges(lastWins, [someWords], { gracePeriod: milliseconds(600), seeds: 50 })
    })

    it('a count that is fed the same record twice', () => {
      const twice = { ...someWords, duplicates: true }
      const { cause, error } = failureOf(() => expectConverges(counting, [twice]))
      assert.equal(cause.schedule.steps.filter((s) => s.kind === 'arrive' && s.again).length, 1)
      assert.match(error.message, /\(again\)/)
    })

    it('state that is not in a store, and so is gone after a crash', () => {
      const app = topology('in-memory', [
        stream(words)
          .processValues({
            name: 'inside',
            value: int64(),
            create: ({ emit }) => {
              const seen = new Map<string, number>()
              return {
                process: ({ key, timestamp, headers }) => {
                  seen.set(key, (seen.get(key) ?? 0) + 1)
                  emit({ key, value: seen.get(key)!, timestamp, headers })
                },
              }
            },
          })
          .to(topic('inside', { key: string(), value: int64() })),
      ])
      const { error } = failureOf(() => expectConverges(app, [someWords], {}))
      assert.match(error.message, /crash|state lost/)
      expectConverges(app, [someWords], { faults: [], seeds: 20 })
    })

    it('a function that throws in one order and not in another', () => {
      const first = topic('first', { key: string(), value: string() })
      const picky = topology('picky', [
        stream(words)
          .groupByKey()
          .reduce(
            (before, word) => {
              if (word < before) throw new Error(`${word} after ${before}`)
              return word
            },
            { name: 'rising' },
          )
          .toStream()
          .to(first),
      ])
      const rising = arrivals(
        words,
        Array.from({ length: 9 }, (_, i) => ({ key: 'k', value: String(i), timestamp: i })),
      )
      const { error } = failureOf(() => expectConverges(picky, [rising]))
      assert.match(error.message, /the run failed, while the one in order did not: .*\d after \d/)
    })
  })

  it('compares with the equality that is given, where bytes differ', () => {
    const sums = topic('sums', { key: string(), value: json<{ total: number }>() })
    const amounts = topic('amounts', { key: string(), value: float64() })
    const app = topology('sums', [
      stream(amounts)
        .groupByKey()
        .aggregate({
          name: 'sum',
          init: () => ({ total: 0 }),
          add: ({ total }, amount) => ({ total: total + amount }),
          value: json<{ total: number }>(),
        })
        .toStream()
        .to(sums),
    ])
    const input = arrivals(
      amounts,
      Array.from({ length: 20 }, (_, i) => ({ key: 'k', value: 0.1 * i + 1e-7, timestamp: i })),
    )
    failureOf(() => expectConverges(app, [input]))
    expectConverges(app, [input], {
      seeds: 50,
      tables: [sums],
      equals: (a, b) => Math.abs((a as { total: number }).total - (b as { total: number }).total) < 1e-9,
    })
  })

  it('does not pass when there is nothing to compare', () => {
    assert.throws(() => expectConverges(counting, [arrivals(words, [])]), { code: 'E_NOTHING_TO_COMPARE' })
    assert.throws(() => expectConverges(counting, [someWords], { tables: [{ name: 'other' }] }), {
      code: 'E_TOPIC_UNKNOWN',
    })
  })

  it('does the same for a seed on every run', () => {
    const messages = [1, 2].map(
      () => failureOf(() => expectConverges(counting, [{ ...someWords, duplicates: true }])).error.message,
    )
    assert.equal(messages[0], messages[1])
  })
})
