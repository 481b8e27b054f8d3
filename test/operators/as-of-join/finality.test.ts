import assert from 'node:assert/strict'
import { aside, bills, dead, lineOf, ms, orders, prices, scene } from './scene.js'

const is = (got: unknown, expected: unknown): void => assert.deepEqual(got, expected)

/** Both sides of a scene at `t`, under a key of no interest. */
function at(s: ReturnType<typeof scene>, t: number): void {
  s.price(0, t, 'clock')
  s.order(`clock${t}`, t, 'clock', 'clock')
  s.said()
}

describe('when answers are given, and when they are final', () => {
  it('6: a periodic review gives one correction for each answer, whatever came in between', () => {
    const s = scene({ corrections: { every: ms(50) } })
    s.order('a', 10)
    s.order('b', 20)
    s.said()
    s.price(1, 5)
    s.price(2, 6)
    s.price(3, 20)
    s.price(4, 4)
    is(s.said(), [])
    s.price(9, 60, 'other')
    is(s.said(), ['a: a+2 @10, 0.5, as of 6', 'b: b+3 @20, 1.5, as of 20'])
    s.price(9, 200, 'other')
    is(s.said(), [])
  })

  it('6: a review that finds the first answer again emits nothing', () => {
    const s = scene({ corrections: { every: ms(50) } })
    s.price(1, 5)
    s.order('a', 10)
    s.said()
    s.price(2, 6)
    s.price(1, 6)
    s.price(9, 60, 'other')
    is(s.said(), [])
    is(s.count('suppressed'), 1)
  })

  it("6: emit: 'final' gives one answer, when both sides are past the event and the grace period", () => {
    const s = scene({ emit: 'final' })
    s.price(1, 5)
    s.order('a', 10)
    s.price(2, 7)
    s.price(9, 110, 'other')
    s.order('b', 110)
    is(s.said(), [])
    s.order('c', 111)
    is(s.said(), [])
    s.price(9, 111, 'other')
    is(s.said(), ['a: a+2 @10, 0.3, as of 7, final'])
  })

  it('6: a delay holds the first answer that long in event time; corrections come at once after it', () => {
    const s = scene({ delay: ms(20) })
    s.order('a', 10)
    s.price(1, 5)
    s.price(9, 29, 'other')
    is(s.said(), [])
    s.price(9, 30, 'other')
    is(s.said(), ['a: a+1 @10, 0.2, as of 5'])
    s.price(2, 6)
    is(s.said(), ['a: a+2 @10, 0.4, as of 6, by prices-0@3'])
    s.order('b', 10)
    is(s.said(), ['b: b+2 @10, 1.4, as of 6'])
  })

  it('7: the horizon follows the slower side, and only grows', () => {
    const s = scene()
    const horizon = () => [...s.driver.metrics().values()][0]!.gauges.get('join.horizon')
    s.order('a', 1_000)
    s.price(1, 300)
    is(horizon(), 200)
    s.price(1, 250)
    s.order('b', 2_000)
    is(horizon(), 200)
    s.price(1, 400)
    is(horizon(), 300)
    is([...s.driver.metrics().values()][0]!.gauges.get('join.held-back'), 1_600)
  })

  it('7: a side that was idle for so long no longer holds the horizon back', () => {
    const s = scene({ idleAfter: ms(1_000), late: 'emit' })
    s.price(1, 10)
    s.order('a', 500)
    s.driver.advanceWallClockTime(ms(1_000))
    s.order('b', 600)
    s.driver.advanceWallClockTime(ms(1_000))
    s.said()
    s.order('c', 100)
    is(s.said(), ['c: c+1 @100, 2.1, as of 10, final, late'])
    s.price(2, 5)
    is(s.said(), [])
    is(s.dropped(), { 'late-right': 1 })
  })

  it('7: a side that sends only records out of order is not idle', () => {
    const s = scene({ idleAfter: ms(1_000), late: 'drop' })
    s.price(1, 300)
    for (let n = 0; n < 5; n++) {
      s.order(`a${n}`, 1_000 + n)
      s.price(1, 250)
      s.driver.advanceWallClockTime(ms(1_000))
    }
    s.order('b', 200)
    is(s.dropped(), {})
  })

  it('7: a side is not idle before it had that long to send', () => {
    const s = scene({ idleAfter: ms(1_000), late: 'drop' }, { wallTime: 1_999 })
    s.price(1, 300)
    s.driver.restart()
    s.order('a', 1_000)
    s.driver.advanceWallClockTime(ms(1))
    s.order('b', 2_000)
    s.order('c', 200)
    is(s.dropped(), {})
  })

  it('7: without idleAfter a silent side holds the horizon for ever', () => {
    const s = scene()
    s.order('a', 10)
    s.order('b', 1_000_000)
    s.driver.advanceWallClockTime(ms(1_000_000))
    s.said()
    s.price(1, 5)
    is(s.said(), ['a: a+1 @10, 0.1, as of 5, by prices-0@0', 'b: b+1 @1000000, 1.1, as of 5, by prices-0@0'])
  })

  it('8, 9: an old version of a key that has none is accepted at any time; older ones than the floor are not', () => {
    const s = scene({ side: aside })
    at(s, 10_000)
    s.order('a', 9_950)
    s.said()
    s.price(1, 3)
    is(s.said(), ['a: a+1 @9950, 1.2, as of 3, by prices-0@1'])
    const headers = [{ key: 'h', value: Buffer.from('v') }]
    s.driver.inputTopic(prices).pipeRecord({ key: 'k', value: 0, timestamp: 2, headers })
    is(s.said(), [])
    s.price(3, 4)
    is(s.said(), ['a: a+3 @9950, 1.4, as of 4, by prices-0@3'])
    is(s.dropped(), { 'late-right': 1 })
    const [late, ...others] = s.driver.outputTopic(aside).readRecordsToList()
    is(others, [])
    is([late!.key.toString(), late!.value!.toString(), late!.timestamp], ['k', '0', 2])
    is(late!.headers.slice(0, 1), headers)
    is(late!.headers.find((h) => h.key === 'revlog-error-reason')!.value!.toString(), 'late-right')
  })

  it('8: a tombstone is remembered for its retention, so that no older record brings the key back', () => {
    for (const [retention, said] of [
      [5_000, []],
      [10, ['a: a+1 @9950, 1.3, as of 3, by prices-0@2']],
    ] as const) {
      const s = scene({ tombstoneRetention: ms(retention) })
      s.price(undefined, 9_000)
      at(s, 10_000)
      s.order('a', 9_950)
      s.said()
      s.price(1, 3)
      is(s.said(), said)
    }
  })

  it('8: with a tolerance the floor is forgotten when nothing open can see it', () => {
    const s = scene({ tolerance: ms(5), late: 'emit' })
    s.price(1, 10)
    at(s, 200)
    s.order('a', 12)
    is(s.said(), ['a: a+none @12, 1.2, final, late, history expired'])
  })

  it('10: a late event is answered once, exactly where the floor still says so', () => {
    const s = scene({ late: 'emit' })
    s.price(1, 50)
    at(s, 1_000)
    s.order('a', 60)
    s.order('b', 40)
    is(s.said(), ['a: a+1 @60, 1.2, as of 50, final, late', 'b: b+none @40, 2.2, final, late'])
    s.price(2, 55)
    is(s.said(), [])
  })

  it('10: where older versions were purged it says that history expired', () => {
    const s = scene({ late: 'emit' })
    s.price(1, 50)
    s.price(2, 500)
    at(s, 1_000)
    s.order('a', 60)
    is(s.said(), ['a: a+none @60, 1.3, final, late, history expired'])
    is([s.count('late-answers'), s.count('history-expired')], [1, 1])
  })

  it('10: an inner join has no such answer: counted, and to the side topic', () => {
    const s = scene({ late: 'emit', how: 'inner', side: aside })
    s.price(1, 50)
    s.price(2, 500)
    at(s, 1_000)
    s.order('a', 60)
    is(s.said(), [])
    is(s.dropped(), { 'history-expired': 1 })
    is(
      s.driver
        .outputTopic(aside)
        .readKeyValuesToList()
        .map(({ value }) => value?.toString()),
      ['{"id":"a","what":"a"}'],
    )
  })

  it('10: late events with a business id go to the side topic, as they came, or are dropped and counted', () => {
    const s = scene({ side: aside })
    at(s, 1_000)
    const headers = [{ key: 'h', value: undefined }]
    s.driver.inputTopic(orders).pipeRecord({ key: 'k', value: { id: 'a', what: 'x' }, timestamp: 1, headers })
    is(s.said(), [])
    const [late] = s.driver.outputTopic(aside).readRecordsToList()
    is([late!.key.toString(), late!.value!.toString(), late!.timestamp], ['k', '{"id":"a","what":"x"}', 1])
    is(late!.headers[0], headers[0])
    const dropping = scene({ late: 'drop' }, { onError: { deadLetterTopic: 'dead' } })
    at(dropping, 1_000)
    dropping.order('a', 1)
    is(dropping.said(), [])
    is(dropping.dropped(), { 'late-left': 1 })
    is(dropping.driver.outputTopic(dead).queueSize(), 1)
  })

  it('10: late events without an id are answered', () => {
    const s = scene({ id: undefined as never })
    at(s, 1_000)
    s.order('a', 1)
    is(s.said(), ['orders-0-1: a+none @1, 1.1, final, late'])
  })

  it('10: an id that comes again: as it was it is suppressed, with other content it is the next revision', () => {
    const s = scene()
    s.price(1, 5)
    s.order('a', 10, 'x')
    s.driver.restart()
    s.order('a', 10, 'x')
    is(s.said(), ['a: x+1 @10, 0.1, as of 5'])
    is(s.count('repeated'), 1)
    s.order('a', 10, 'y')
    is(s.said(), ['a: y+1 @10, 2.1, as of 5'])
    s.order('a', 4, 'y')
    is(s.said(), ['a: y+none @4, 3.1'])
    s.price(2, 8)
    is(s.said(), [])
    s.price(3, 2)
    is(s.said(), ['a: y+3 @4, 3.3, as of 2, by prices-0@2'])
  })

  it('11: a match that disappears from an inner join is a tombstone with a revision', () => {
    const s = scene({ how: 'inner' })
    s.order('a', 10)
    is(s.said(), [])
    s.price(1, 5)
    s.price(undefined, 7)
    s.price(2, 8)
    is(s.said(), [
      'a: a+1 @10, 0.1, as of 5, by prices-0@0',
      'a: gone @10, 0.2, by prices-0@1',
      'a: a+2 @10, 0.3, as of 8, by prices-0@2',
    ])
    at(s, 10_000)
    is(s.said(), [])
  })

  it('finals: each answer once more, when it is final', () => {
    const s = scene({ finals: true })
    s.price(1, 5)
    s.order('a', 10)
    s.order('b', 110)
    is(s.said(), ['a: a+1 @10, 0.1, as of 5', 'b: b+1 @110, 1.1, as of 5'])
    s.price(9, 111, 'other')
    is(s.said(), [])
    s.order('c', 111, 'c', 'other')
    is(s.said(), ['a: a+1 @10, 0.2, as of 5, final', 'c: c+9 @111, 2.2, as of 111'])
  })

  it('the driver says the generation of revisions', () => {
    const s = scene({}, { generation: 3 })
    s.order('a', 10)
    is(s.said(), ['a: a+none @10, g3:0.0'])
  })

  it('a function that throws costs only its own answer: the others are given, and a later version heals it', () => {
    const s = scene(
      {
        join: (order, price) => {
          if (order.id === 'bad' && price !== 2) throw new Error('no')
          return `${order.what}+${price ?? 'none'}`
        },
      },
      { onError: { processing: 'skip' } },
    )
    for (const id of ['a', 'bad', 'c']) s.order(id, 10)
    is(s.said(), ['a: a+none @10, 0.0', 'c: c+none @10, 2.0'])
    s.price(1, 5)
    is(s.said(), ['a: a+1 @10, 0.1, as of 5, by prices-0@0', 'c: c+1 @10, 2.1, as of 5, by prices-0@0'])
    s.price(2, 6)
    is(s.said(), [
      'a: a+2 @10, 0.2, as of 6, by prices-0@1',
      'bad: bad+2 @10, 1.2, as of 6, by prices-0@1',
      'c: c+2 @10, 2.2, as of 6, by prices-0@1',
    ])
    assert.ok(s.dropped()['processing-error']! >= 2)
  })

  it('works by partition', () => {
    const s = scene({}, { partitions: 3 })
    for (const key of ['a', 'b', 'c', 'd']) s.order(key, 10, key, key)
    for (const key of ['a', 'b', 'c', 'd']) s.price(key, 5, key)
    is(
      [...s.driver.lastRevisions(bills)].sort(),
      ['a', 'b', 'c', 'd'].map((key) => [key, `${key}+"${key}"`]),
    )
    is(s.driver.outputTopic(bills).readRecordsToList().map(lineOf).length, 8)
  })
})
