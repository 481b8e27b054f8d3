import assert from 'node:assert/strict'
import { stream } from '../../../lib/dsl/sources.js'
import { json } from '../../../lib/serdes/json.js'
import { string } from '../../../lib/serdes/primitives.js'
import { topic } from '../../../lib/topology/topic.js'
import { topology } from '../../../lib/topology/topology.js'
import { TopologyTestDriver } from '../../../test-driver/index.js'
import { bills, lineOf, ms, type Order, orders, prices } from './scene.js'

const left = stream(orders)
const right = stream(prices)
const more = stream(topic('more', { key: string(), value: json<unknown>() }))
const options = {
  name: 'join',
  id: (order: Order) => order.id,
  join: (order: Order, price: unknown): string => `${order.what}+${JSON.stringify(price)}`,
  gracePeriod: ms(10),
}
const refuses = (code: string, message: RegExp, build: () => unknown): void =>
  assert.throws(build, (error: { code: string; message: string; remedy: string | undefined }) => {
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.ok(error.remedy !== undefined, 'an error has a remedy')
    return true
  })

describe('an as-of join is refused when it is built', () => {
  const process = <V>(s: typeof right) =>
    s.processValues<V>({
      name: 'own',
      create: ({ emit }) => ({ process: (record) => emit(record as never) }),
      value: json<V>(),
    })

  it('when a side is a merge: the remedy is a repartition, which is accepted', () => {
    refuses('E_AMBIGUOUS_SIDE', /right side .*prices, more[\s\S]*repartition/, () =>
      left.asOfJoin(right.merge(more), options),
    )
    refuses('E_AMBIGUOUS_SIDE', /right side .*several inputs/, () =>
      left.asOfJoin(right.filter(() => true).merge(right.filter(() => false)), options),
    )
    left.asOfJoin(right.merge(more).repartition({ name: 'both' }), options)
  })

  it('when a side passes a processor, which may emit what belongs to no record', () => {
    refuses('E_AMBIGUOUS_SIDE', /right side .*processValues/, () => left.asOfJoin(process(right), options))
    refuses('E_AMBIGUOUS_SIDE', /left side .*processValues/, () =>
      process<Order>(left as never).asOfJoin(right, options),
    )
  })

  it('when the right side passes a flatMap; the left side may', () => {
    const many = { value: json<unknown>() }
    refuses('E_AMBIGUOUS_SIDE', /right side .*flatMapValues.*several versions/, () =>
      left.asOfJoin(
        right.flatMapValues((v) => [v], many),
        options,
      ),
    )
    left.flatMapValues((v) => [v], { value: json<Order>() }).asOfJoin(right, options)
  })

  it('when a side is another join', () => {
    const joined = left.asOfJoin(right, { ...options, value: string() }).toStream()
    refuses('E_AMBIGUOUS_SIDE', /right side/, () =>
      left.asOfJoin(joined.selectKey((v) => v, { keepsPartition: true, key: string() }) as never, {
        ...options,
        name: 'second',
      }),
    )
  })

  it('when a side has changed its key', () => {
    const moved = right.selectKey((v) => String(v), { key: string() })
    refuses('E_NOT_PARTITIONED', /asOfJoin/, () => left.asOfJoin(moved, options))
  })

  it('when a serde is not known', () => {
    refuses('E_SERDE_UNKNOWN', /value/, () =>
      left.asOfJoin(
        right.mapValues((v) => [v]),
        options,
      ),
    )
  })

  it('when it has no name', () => {
    refuses('E_STORE_UNNAMED', /asOfJoin/, () =>
      left.asOfJoin(right, { ...options, name: undefined as never }),
    )
  })

  it('when it reads a repartition topic and has no id', () => {
    const through = left.repartition({ name: 'through' })
    refuses('E_ID_REQUIRED', /repartition/, () =>
      through.asOfJoin(right, { ...options, id: undefined as never }),
    )
  })

  for (const [problem, wrong] of Object.entries({
    'gracePeriod is missing': { gracePeriod: undefined as never },
    'delay has no meaning': { emit: 'final' as const, delay: ms(1) },
    'delay is longer': { delay: ms(11) },
    'finals has no meaning': { emit: 'final' as const, finals: true },
    'corrections.every': { corrections: { every: ms(0) } },
  })) {
    it(`when ${problem}`, () => {
      refuses('E_AS_OF_JOIN_OPTIONS', new RegExp(problem), () =>
        left.asOfJoin(right, { ...options, ...wrong }),
      )
    })
  }
})

describe('an as-of join of a topic with itself', () => {
  it('gives each record the one before it, when strict', () => {
    const self = left.asOfJoin(left, {
      ...options,
      allowExactMatches: false,
      join: (order, before) => `${order.what} after ${before?.what ?? 'none'}`,
    })
    const driver = new TopologyTestDriver(topology('self', [self.toStream().to(bills)]))
    const input = driver.inputTopic(orders)
    input.pipeInput('k', { id: 'a', what: 'a' }, 10)
    input.pipeInput('k', { id: 'c', what: 'c' }, 12)
    driver.restart()
    input.pipeInput('k', { id: 'b', what: 'b' }, 11)
    assert.deepEqual(driver.outputTopic(bills).readRecordsToList().map(lineOf), [
      'a: a after none @10, 0.0',
      'c: c after a @12, 1.1, as of 10',
      'b: b after a @11, 2.2, as of 10',
      'c: c after b @12, 1.3, as of 11, by orders-0@2',
    ])
    driver.close()
  })
})
