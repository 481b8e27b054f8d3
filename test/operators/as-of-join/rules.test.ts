import assert from 'node:assert/strict'
import { stream as streamOf } from '../../../lib/dsl/sources.js'
import { json } from '../../../lib/serdes/json.js'
import { topology } from '../../../lib/topology/topology.js'
import { TopologyTestDriver } from '../../../test-driver/index.js'
import {
  bills,
  dead,
  lineOf,
  ms,
  type Order,
  orders as ordersTopic,
  prices as pricesTopic,
  scene,
} from './scene.js'

const is = (got: unknown, expected: unknown): void => assert.deepEqual(got, expected)

describe('the as-of join, rule by rule', () => {
  it('1: takes the greatest version up to the event, of the same key', () => {
    const s = scene()
    s.price(1, 5)
    s.price(2, 9)
    s.price(3, 11)
    s.price(9, 10, 'other')
    s.order('a', 10)
    is(s.said(), ['a: a+2 @10, 0.4, as of 9'])
  })

  it('1: a version at the very time matches, unless matches are strict', () => {
    for (const [allowExactMatches, said] of [
      [true, 'a: a+2 @10, 0.2, as of 10'],
      [false, 'a: a+1 @10, 0.2, as of 9'],
    ] as const) {
      const s = scene({ allowExactMatches })
      s.price(1, 9)
      s.price(2, 10)
      s.order('a', 10)
      is(s.said(), [said])
    }
  })

  it('1: a strict join corrects from just after the version up to and with the next', () => {
    const s = scene({ allowExactMatches: false })
    for (const t of [10, 11, 20, 21]) s.order(`o${t}`, t)
    s.price(2, 20)
    s.said()
    s.price(1, 10)
    is(s.said(), [
      'o11: o11+1 @11, 1.2, as of 10, by prices-0@1',
      'o20: o20+1 @20, 2.2, as of 10, by prices-0@1',
    ])
  })

  it('1: tolerance is inclusive, on arrival and in corrections', () => {
    const s = scene({ tolerance: ms(5) })
    s.order('a', 15)
    s.order('b', 16)
    s.said()
    s.price(1, 10)
    is(s.said(), ['a: a+1 @15, 0.1, as of 10, by prices-0@0'])
    s.order('c', 15)
    s.order('d', 16)
    is(s.said(), ['c: c+1 @15, 2.1, as of 10', 'd: d+none @16, 3.1'])
  })

  it('1: a version beyond the tolerance hides nothing that an older one could have given', () => {
    const s = scene({ tolerance: ms(5) })
    s.price(1, 10)
    s.order('a', 14)
    s.price(undefined, 12)
    is(s.said(), ['a: a+1 @14, 0.1, as of 10', 'a: a+none @14, 0.2, by prices-0@1'])
  })

  it('2: of two versions at one time the later in the log wins, and corrects', () => {
    const s = scene()
    s.price(1, 10)
    s.order('a', 10)
    s.price(2, 10)
    is(s.said(), ['a: a+1 @10, 0.1, as of 10', 'a: a+2 @10, 0.2, as of 10, by prices-0@1'])
  })

  it('2: a sequence decides instead; equal sequences go by the log; a tombstone has sequence 0', () => {
    const s = scene({ sequence: (price) => (price as { s: number }).s })
    s.price({ s: 2, v: 'x' }, 10)
    s.order('a', 10)
    s.price({ s: 1, v: 'y' }, 10)
    s.price(undefined, 10)
    s.price({ s: 2, v: 'z' }, 10)
    is(s.said(), [
      'a: a+{"s":2,"v":"x"} @10, 0.1, as of 10',
      'a: a+{"s":2,"v":"z"} @10, 0.4, as of 10, by prices-0@3',
    ])
    is(s.count('superseded'), 2)
  })

  it('2: many events at one time have an answer each, and each is corrected', () => {
    const s = scene()
    for (const id of ['a', 'b', 'c']) s.order(id, 10)
    s.said()
    s.price(1, 10)
    is(s.said(), [
      'a: a+1 @10, 0.1, as of 10, by prices-0@0',
      'b: b+1 @10, 1.1, as of 10, by prices-0@0',
      'c: c+1 @10, 2.1, as of 10, by prices-0@0',
    ])
  })

  it('3: a tombstone is a version without a value until the next; it does not undo the version at its time', () => {
    const s = scene()
    s.price(1, 5)
    s.price(2, 10)
    s.price(undefined, 10)
    s.price(3, 20)
    s.order('a', 9)
    s.order('b', 10)
    s.order('c', 19)
    s.order('d', 20)
    is(s.said(), [
      'a: a+1 @9, 0.4, as of 5',
      'b: b+none @10, 1.4',
      'c: c+none @19, 2.4',
      'd: d+3 @20, 3.4, as of 20',
    ])
  })

  for (const value of [0, '', {}, null, false]) {
    it(`3: ${JSON.stringify(value)} is a value`, () => {
      const s = scene({ how: 'inner' })
      s.price(value, 5)
      s.order('a', 10)
      is(s.said(), [`a: a+${JSON.stringify(value)} @10, 0.1, as of 5`])
    })
  }

  it('3: a left record without key or value is dropped, counted, and a dead letter as it came', () => {
    const s = scene({}, { onError: { deadLetterTopic: 'dead' } })
    const { driver } = s
    driver.inputTopic(ordersTopic).pipeInput('k', undefined, 10)
    driver.inputTopic(ordersTopic).pipeRecord({ value: { id: 'a', what: 'a' }, timestamp: 11 })
    driver.inputTopic(pricesTopic).pipeRecord({ value: 1, timestamp: 12 })
    is(s.said(), [])
    is(s.dropped(), { 'null-value': 1, 'null-key': 2 })
    is(
      driver
        .outputTopic(dead)
        .readRecordsToList()
        .map(({ key, value, timestamp }) => [key?.toString(), value?.toString(), timestamp]),
      [
        ['k', undefined, 10],
        [undefined, '{"id":"a","what":"a"}', 11],
        [undefined, '1', 12],
      ],
    )
  })

  it('4: without an id the answer is named by topic, partition and offset of its event', () => {
    const s = scene({ id: undefined as never })
    s.order('a', 10)
    s.order('a', 10)
    is(s.said(), ['orders-0-0: a+none @10, 0.0', 'orders-0-1: a+none @10, 1.0'])
    s.price(1, 10)
    is(s.said(), [
      'orders-0-0: a+1 @10, 0.1, as of 10, by prices-0@0',
      'orders-0-1: a+1 @10, 1.1, as of 10, by prices-0@0',
    ])
  })

  it('4: the events that a flatMap makes of one record differ by their ordinal', () => {
    const bought = streamOf(ordersTopic).flatMapValues(
      (order) => order.what.split(',').map((what) => ({ ...order, what })),
      { value: json<Order>() },
    )
    const joined = bought.asOfJoin(streamOf(pricesTopic), {
      name: 'join',
      join: (order, price): string => `${order.what}+${price}`,
      gracePeriod: ms(10),
    })
    const driver = new TopologyTestDriver(topology('scene', [joined.toStream().to(bills)]))
    driver.inputTopic(ordersTopic).pipeInput('k', { id: 'a', what: 'x,y,z' }, 10)
    driver.restart()
    driver.inputTopic(pricesTopic).pipeInput('k', 1, 10)
    is(driver.outputTopic(bills).readRecordsToList().map(lineOf), [
      'orders-0-0: x+undefined @10, 0.0',
      'orders-0-0-1: y+undefined @10, 0#1.0',
      'orders-0-0-2: z+undefined @10, 0#2.0',
      'orders-0-0: x+1 @10, 0.1, as of 10, by prices-0@0',
      'orders-0-0-1: y+1 @10, 0#1.1, as of 10, by prices-0@0',
      'orders-0-0-2: z+1 @10, 0#2.1, as of 10, by prices-0@0',
    ])
    driver.close()
  })

  it('5: a version corrects the events from its time until the next version, and no others', () => {
    const s = scene()
    for (const t of [9, 10, 19, 20]) s.order(`o${t}`, t)
    s.price(2, 20)
    s.said()
    s.price(1, 10)
    is(s.said(), [
      'o10: o10+1 @10, 1.2, as of 10, by prices-0@1',
      'o19: o19+1 @19, 2.2, as of 10, by prices-0@1',
    ])
  })

  it('5: an answer that stays the same is suppressed and counted; `equals` says what is the same', () => {
    const s = scene()
    s.price({ a: [1] }, 5)
    s.order('a', 10)
    s.price({ a: [1] }, 6)
    is(s.said().length, 1)
    is(s.count('suppressed'), 1)
    const loose = scene({ equals: () => true })
    loose.order('a', 10)
    loose.price(1, 5)
    is(loose.said(), ['a: a+none @10, 0.0'])
    is(loose.count('suppressed'), 1)
  })

  it("5: a correction keeps its event's headers and timestamp; revisions of others are not passed on", () => {
    const s = scene()
    const headers = [
      { key: 'trace', value: Buffer.from('t1') },
      { key: 'empty', value: undefined },
      { key: 'revlog-revision', value: Buffer.alloc(16) },
    ]
    s.driver
      .inputTopic(ordersTopic)
      .pipeRecord({ key: 'k', value: { id: 'a', what: 'a' }, timestamp: 10, headers })
    s.driver.restart()
    s.price(1, 5)
    const records = s.driver.outputTopic(bills).readRecordsToList()
    is(records.map(lineOf), ['a: a+none @10, 0.0', 'a: a+1 @10, 0.1, as of 5, by prices-0@0'])
    for (const { headers: got } of records) {
      is(got.slice(0, 2), headers.slice(0, 2))
      is(got.filter(({ key }) => key === 'revlog-revision').length, 1)
    }
  })
})
