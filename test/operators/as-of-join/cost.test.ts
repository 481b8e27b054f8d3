import assert from 'node:assert/strict'
import { milliseconds as ms } from '../../../lib/core/duration.js'
import { type Cost, countedJoin } from './counted.js'
import { randomOf } from './workload.js'

/** Rows for a record that touches no answer, and for each answer that it evaluates again. */
const ROWS = 24
const within = ({ rows, answers }: Cost, what: string): void =>
  assert.ok(rows <= ROWS * (1 + answers), `${what}: ${rows} rows for ${answers} answers`)

/** `n` open events of one key, ten ms apart, and a version for every tenth. */
function opened(n: number, order: 'in order' | 'out of order') {
  const join = countedJoin({})
  const random = randomOf(n)
  const times = Array.from({ length: n }, (_, i) => i * 10)
  if (order === 'out of order') {
    for (let i = 0; i + 1 < n; i++) {
      const j = Math.min(n - 1, i + random.int(50))
      ;[times[i], times[j]] = [times[j]!, times[i]!]
    }
  }
  for (const [i, t] of times.entries()) {
    join.left(`l${t}`, t)
    if (i % 10 === 0) join.right(i, i * 10)
  }
  return { join, end: n * 10 }
}

describe('what the as-of join costs', () => {
  for (const order of ['in order', 'out of order'] as const) {
    for (const n of [10, 1_000, 100_000]) {
      it(`follows the answers that are evaluated again, with ${n} open events ${order}`, function () {
        this.timeout(60_000)
        const { join, end } = opened(n, order)
        for (const [place, t] of [
          ['in the newest page', end - 25],
          ['in the middle', Math.floor(end / 2) + 45],
          ['in the oldest page', 45],
        ] as const) {
          for (const memory of ['warm', 'cold'] as const) {
            if (memory === 'cold') join.restart()
            const more = memory === 'cold' ? 10 : 0
            const corrected = join.priceOfRight(-t, t + more)
            assert.ok(corrected.answers <= 10, `${corrected.answers} answers`)
            within(corrected, `a version ${place}, ${memory}`)
            if (memory === 'cold') join.restart()
            within(join.priceOfLeft(`new${t}${memory}`, t + more), `an event ${place}, ${memory}`)
            if (memory === 'cold') join.restart()
            within(
              join.priceOfLeft(`l${t - (t % 10)}`, t - (t % 10)),
              `an event that comes again ${place}, ${memory}`,
            )
          }
        }
      })
    }
  }

  it('is a few rows for each answer when a version corrects all of 10,000', () => {
    const all = countedJoin({})
    for (let i = 0; i < 10_000; i++) all.left(`l${i}`, 10 + i)
    all.restart()
    const cost = all.priceOfRight(1, 5)
    assert.equal(cost.answers, 10_000)
    assert.ok(cost.rows < 2 * cost.answers, `${cost.rows} rows`)
  })

  it('is bounded for every record while 100,000 open events and versions expire at once', function () {
    this.timeout(60_000)
    const join = countedJoin({ gracePeriod: ms(2_000_000) })
    for (let i = 0; i < 100_000; i++) {
      join.right(i, i * 10, `k${i % 3}`)
      join.left(`l${i}`, i * 10, `k${i % 3}`)
    }
    const far = 10_000_000
    join.left('far', far, 'other')
    let most = join.priceOfRight(1, far, 'other').rows // everything is over with this one
    for (let i = 1; i <= 4_000; i++) {
      const key = `k${i % 5}`
      most = Math.max(
        most,
        join.priceOfLeft(`x${i}`, far + i, key).rows,
        join.priceOfRight(i, far + i, key).rows,
      )
    }
    assert.ok(most < 1_000, `one record paid ${most} rows`)
  })

  it('is bounded for the record that begins a key anew after its deletion was forgotten', function () {
    this.timeout(60_000)
    const join = countedJoin({ gracePeriod: ms(10), tombstoneRetention: ms(10) })
    for (let i = 0; i < 50_000; i++) join.right(i, i)
    join.right(undefined, 50_000)
    join.left('far', 1_000_000, 'other')
    join.right(1, 1_000_000, 'other')
    join.restart()
    const { rows } = join.priceOfRight(1, 1_000_001)
    assert.ok(rows < 1_000, `${rows} rows`)
  })
})

describe('the state of the as-of join stays within a constant of what is live', () => {
  it('with many keys that are each seen once', function () {
    this.timeout(60_000)
    const join = countedJoin({ gracePeriod: ms(1_000), tolerance: ms(1_000), late: 'drop' })
    let most = 0
    for (let i = 0; i < 60_000; i++) {
      join.left(`l${i}`, i, `k${i}`)
      join.right(i, i, `k${i}`)
      if (i % 5_000 === 4_999) most = Math.max(most, join.rowsHeld())
    }
    // 1,000 live events and 2,000 live versions at any time.
    assert.ok(most < 5 * 3_000 + 3_000, `${most} rows`)
  })

  it('with few keys for long', function () {
    this.timeout(60_000)
    const join = countedJoin({ gracePeriod: ms(1_000), late: 'drop' })
    const sizes: number[] = []
    for (let i = 0; i < 60_000; i++) {
      join.left(`l${i}`, i, `k${i % 5}`)
      join.right(i, i, `k${i % 5}`)
      if (i % 10_000 === 9_999) sizes.push(join.bytesHeld())
    }
    assert.ok(Math.max(...sizes.slice(1)) < 1.5 * sizes[0]!, `bytes ${sizes.join(', ')}`)
    // About 2,000 live entries of less than 60 bytes.
    assert.ok(Math.max(...sizes) < 5 * 2_000 * 60, `bytes ${sizes.join(', ')}`)
  })

  it('grows while a side is silent, and shrinks after it spoke', function () {
    this.timeout(60_000)
    const join = countedJoin({ gracePeriod: ms(100), late: 'drop' })
    for (let i = 0; i < 20_000; i++) join.left(`l${i}`, i, `k${i % 50}`)
    join.commit()
    const grown = join.bytesHeld()
    join.right(1, 1_000_000)
    for (let i = 0; i < 20_000; i++) join.left(`m${i}`, 1_000_000 + i, `k${i % 50}`)
    for (let i = 0; i < 50_000; i++) {
      join.right(i, 1_020_000 + i, `k${i % 50}`)
      join.left(`n${i}`, 1_020_000 + i, `k${i % 50}`)
    }
    join.commit()
    assert.ok(join.bytesHeld() < grown / 5, `${grown} bytes, then ${join.bytesHeld()}`)
  })

  it('deleted keys vanish after the retention of their tombstones', function () {
    this.timeout(60_000)
    const join = countedJoin({ gracePeriod: ms(100), tombstoneRetention: ms(1_000), late: 'drop' })
    for (let i = 0; i < 20_000; i++) {
      join.right(i, i * 2, `k${i}`)
      join.right(undefined, i * 2 + 1, `k${i}`)
      join.left(`l${i}`, i * 2, 'one')
    }
    join.commit()
    // 550 keys whose deletion is remembered.
    assert.ok(join.rowsHeld() < 5_000, `${join.rowsHeld()} rows`)
  })
})
