import assert from 'node:assert/strict'
import { encodeRevision } from '../../lib/core/revision.js'
import {
  float64,
  int64,
  json,
  minutes,
  REVISION_HEADERS,
  RevlogError,
  stream,
  string,
  table,
  topic,
  topology,
} from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'

const text = { key: string(), value: string() }
const input = topic('input', text)
const events = topic('events', text)
const out = topic('out', text)
const counts = topic('counts', { key: string(), value: int64() })

const revised = (leftOffset: number, rightPosition: number) => [
  {
    key: REVISION_HEADERS.revision,
    value: encodeRevision({ generation: 0, leftOffset, ordinal: 0, rightPosition }),
  },
]

describe('a table', () => {
  const rows = table(input)
  const copy = topology('app', [rows.toStream().to(out)])

  it('applies records in offset order, whatever their event time', () => {
    using driver = new TopologyTestDriver(copy)
    driver.inputTopic(input).pipeInput('k', 'new', 20)
    driver.inputTopic(input).pipeInput('k', 'old', 10)
    assert.deepEqual(driver.timestampedKeyValueStore<string, string>('input').get('k'), {
      value: 'old',
      timestamp: 10,
    })
    driver.inputTopic(input).pipeTombstone('k', 5)
    assert.equal(driver.timestampedKeyValueStore<string, string>('input').get('k'), undefined)
  })

  it('drops and counts a record without a key', () => {
    using driver = new TopologyTestDriver(copy)
    driver.inputTopic(input).pipeInput('v')
    assert.deepEqual([...driver.dropped()], [['null-key', 1]])
  })

  it('of a revision log keeps the greatest revision, counts lesser ones and applies an equal one again', () => {
    using driver = new TopologyTestDriver(copy)
    const pipe = (value: string | undefined, left: number, right: number) =>
      driver.inputTopic(input).pipeRecord({ key: 'id', value, headers: revised(left, right) })
    pipe('first', 1, 1)
    pipe('third', 1, 3)
    pipe('second', 1, 2)
    pipe('third', 1, 3)
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['first', 'third', 'third'])
    assert.deepEqual([...driver.dropped()], [['stale-revision', 1]])
    pipe(undefined, 1, 9)
    driver.wipe() // the revision of what was deleted is kept, in the changelog too
    pipe('resurrected', 1, 8)
    pipe('again', 1, 10)
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), [undefined, 'again'])
  })

  it('with history refuses a revision log, which has another order', () => {
    const t = table(input, { versioned: { historyRetention: minutes(1) } })
    using driver = new TopologyTestDriver(topology('app', [t.toStream().to(out)]))
    assert.throws(
      () => driver.inputTopic(input).pipeRecord({ key: 'id', value: 'v', headers: revised(1, 1) }),
      (error) => error instanceof RevlogError && error.code === 'E_VERSIONED_REVISIONS',
    )
  })

  it('with history counts what is older than history reaches', () => {
    const t = table(input, { versioned: { historyRetention: minutes(1) } })
    using driver = new TopologyTestDriver(topology('app', [t.toStream().to(out)]))
    driver.inputTopic(input).pipeInput('a', 'v', 120_000)
    driver.inputTopic(input).pipeInput('b', 'v', 59_999)
    driver.inputTopic(input).pipeInput('c', 'v', 60_000)
    assert.deepEqual(
      driver
        .outputTopic(out)
        .readKeyValuesToList()
        .map(({ key }) => key),
      ['a', 'c'],
    )
    assert.deepEqual([...driver.dropped()], [['history-expired', 1]])
  })

  it('that is filtered or mapped is joined without a second store, with history too', () => {
    for (const versioned of [undefined, { historyRetention: minutes(1) }]) {
      const upper = table(input, versioned === undefined ? {} : { versioned })
        .filter((value) => value !== 'hidden')
        .mapValues((value) => value.toUpperCase())
      const joined = stream(events).leftJoin(upper, (e, row) => `${e}:${row ?? '-'}`, { name: 'joined' })
      const app = topology('app', [joined.to(out)])
      using driver = new TopologyTestDriver(app)
      driver.inputTopic(input).pipeInput('k', 'one', 10)
      driver.inputTopic(input).pipeInput('k', 'hidden', 20)
      driver.inputTopic(input).pipeInput('k', 'two', 30)
      driver.inputTopic(events).pipeInput('k', 'at 15', 15)
      driver.inputTopic(events).pipeInput('k', 'at 25', 25)
      driver.inputTopic(events).pipeInput('k', 'at 35', 35)
      assert.deepEqual(
        driver.outputTopic(out).readValuesToList(),
        versioned === undefined
          ? ['at 15:TWO', 'at 25:TWO', 'at 35:TWO']
          : ['at 15:ONE', 'at 25:-', 'at 35:TWO'],
      )
      assert.deepEqual(new Set(driver.changelog().map((entry) => entry.store)), new Set(['input']))
    }
  })

  it('is emptied by its filter only where a row was in the result', () => {
    const passing = rows.filter((value) => value.startsWith('+'))
    using driver = new TopologyTestDriver(topology('app', [passing.toStream().to(out)]))
    driver.inputTopic(input).pipeKeyValueList([
      ['k', '-1'],
      ['k', '+2'],
      ['k', '-3'],
      ['k', '-4'],
    ])
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['+2', undefined])
  })
})

describe('an aggregate', () => {
  it('of a table follows its rows from group to group, through crashes and lost state', () => {
    const people = table(input) // name -> town
    const perTown = people
      .groupBy((town) => town, { name: 'by-town', key: string() })
      .count({ name: 'inhabitants' })
    const app = topology('app', [perTown.toStream().to(counts)])
    using driver = new TopologyTestDriver(app, { partitions: 3 })
    const move = driver.inputTopic(input)
    move.pipeKeyValueList([
      ['ann', 'Bonn'],
      ['ben', 'Bonn'],
      ['cem', 'Kiel'],
    ])
    driver.restart()
    move.pipeInput('ann', 'Kiel')
    driver.wipe()
    move.pipeTombstone('ben')
    move.pipeInput('cem', 'Kiel') // a change within its group
    assert.deepEqual(
      driver.outputTopic(counts).readKeyValuesToMap(),
      new Map([
        ['Bonn', 0],
        ['Kiel', 2],
      ]),
    )
  })

  it('that a function changes in place still has its old value', () => {
    const lists = topic('lists', { key: string(), value: json<string[]>() })
    const sizes = stream(input)
      .groupByKey()
      .aggregate({
        name: 'list',
        init: () => [] as string[],
        add: (list, value) => {
          list.push(value)
          return list
        },
        value: json<string[]>(),
      })
    const total = sizes
      .mapValues((list) => list.length, { value: float64() })
      .groupBy(() => 'all', { name: 'all', key: string() })
      .reduce(
        (a, b) => a + b,
        (a, b) => a - b,
        { name: 'total' },
      )
    const totals = topic('totals', { key: string(), value: float64() })
    using driver = new TopologyTestDriver(
      topology('app', [total.toStream().to(totals), sizes.toStream().to(lists)]),
    )
    driver.inputTopic(input).pipeKeyValueList([
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
      ['a', '4'],
    ])
    assert.deepEqual(driver.outputTopic(totals).readValuesToList(), [1, 2, 3, 4])
  })

  it('of undefined deletes the key', () => {
    const sums = stream(input)
      .groupByKey()
      .aggregate({
        name: 'last',
        init: () => '',
        add: (_, value) => (value === 'end' ? undefined : value),
        value: string(),
      })
    using driver = new TopologyTestDriver(topology('app', [sums.toStream().to(out)]))
    driver.inputTopic(input).pipeKeyValueList([
      ['k', 'a'],
      ['k', 'end'],
      ['k', 'b'],
    ])
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['a', undefined, 'b'])
  })

  it('over several topics needs them to have equal numbers of partitions', () => {
    const counted = stream(input).merge(stream(events)).groupByKey().count({ name: 'both' })
    const app = topology('app', [counted.toStream().to(counts)])
    assert.throws(
      () => new TopologyTestDriver(app, { partitions: { input: 2, events: 3 } }),
      /E_NOT_COPARTITIONED: count 'both' works by key.*input has 2, events has 3/,
    )
    new TopologyTestDriver(app, { partitions: 2 }).close()
  })

  it('keeps 0, the empty string and the empty object as values', () => {
    for (const value of [0, '', {}, false]) {
      const any = topic('any', { key: string(), value: json<unknown>() })
      const outs = topic('outs', { key: string(), value: json<unknown>() })
      const last = stream(any)
        .groupByKey()
        .reduce((_, next) => next, { name: 'last' })
      using driver = new TopologyTestDriver(topology('app', [last.toStream().to(outs)]))
      driver.inputTopic(any).pipeInput('k', value)
      driver.inputTopic(any).pipeInput('k', value)
      assert.deepEqual(driver.outputTopic(outs).readValuesToList(), [value, value])
    }
  })
})

describe('what is built on an as-of join', () => {
  interface Sale {
    readonly id: string
    readonly amount: number
  }
  const sales = topic('sales', { key: string(), value: json<Sale>() })
  const tiers = topic('tiers', { key: string(), value: string() })
  const answers = stream(sales).asOfJoin(stream(tiers), {
    name: 'tier-at-sale',
    id: (sale) => sale.id,
    join: (sale, tier) => ({ amount: sale.amount, tier: tier ?? 'none' }),
    value: json<{ readonly amount: number; readonly tier: string }>(),
    gracePeriod: minutes(10),
  })
  const perTier = topic('per-tier', { key: string(), value: float64() })
  const app = topology('app', [
    answers
      .groupBy((a) => a.tier, { name: 'by-tier', key: string() })
      .aggregate({
        name: 'sold',
        init: () => 0,
        add: (sum, a) => sum + a.amount,
        subtract: (sum, a) => sum - a.amount,
        value: float64(),
      })
      .toStream()
      .to(perTier),
    answers
      .filter((a) => a.tier === 'gold')
      .groupBy(() => 'all', { name: 'golden', key: string() })
      .count({ name: 'golden-sales' })
      .toStream()
      .to(counts),
  ])

  it('corrects itself: a late version takes its answers out of one group and gives them to another', () => {
    using driver = new TopologyTestDriver(app, { partitions: 2 })
    const sale = driver.inputTopic(sales)
    sale.pipeInput('ann', { id: 's1', amount: 5 }, 100)
    sale.pipeInput('ann', { id: 's2', amount: 7 }, 200)
    sale.pipeInput('ben', { id: 's3', amount: 11 }, 150)
    const sold = driver.outputTopic(perTier)
    assert.deepEqual(sold.readKeyValuesToMap(), new Map([['none', 23]]))
    driver.inputTopic(tiers).pipeInput('ann', 'gold', 150)
    assert.deepEqual(
      sold.readKeyValuesToMap(),
      new Map([
        ['none', 16],
        ['gold', 7],
      ]),
    )
    driver.inputTopic(tiers).pipeInput('ann', 'silver', 50)
    driver.wipe()
    driver.inputTopic(tiers).pipeInput('ben', 'gold', 0)
    assert.deepEqual(
      sold.readKeyValuesToMap(),
      new Map([
        ['none', 0],
        ['silver', 5],
        ['gold', 18],
      ]),
    )
    assert.deepEqual(driver.outputTopic(counts).readKeyValuesToMap(), new Map([['all', 2]]))
  })
})
