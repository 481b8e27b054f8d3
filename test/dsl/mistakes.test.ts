/** What types cannot catch is thrown when the topology is built, with code, operator and remedy. */
import assert from 'node:assert/strict'
import {
  float64,
  int64,
  json,
  keyValueStore,
  RevlogError,
  stream,
  string,
  table,
  topic,
  topology,
} from '../../lib/index.js'
import { processorNode } from '../../lib/topology/node.js'

interface Order {
  readonly customer: string
  readonly amount: number
}

const orders = topic('orders', { key: string(), value: json<Order>() })
const others = topic('others', { key: string(), value: json<Order>() })
const totals = topic('totals', { key: string(), value: float64() })
const source = stream(orders)

/** Each mistake with its code and with what its message has to name. */
function refused(code: string, words: RegExp, make: () => unknown): void {
  assert.throws(make, (error) => {
    assert.ok(error instanceof RevlogError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, words)
    assert.ok(error.remedy !== undefined && error.remedy.length > 10, 'the error says what to do')
    return true
  })
}

/** As a caller without types would write it. */
const untyped = (value: unknown): any => value

describe('a mistake in a topology', () => {
  it('a stateful operator without a name', () => {
    const grouped = source.groupByKey()
    refused('E_STORE_UNNAMED', /count on orders/, () => untyped(grouped).count())
    refused('E_STORE_UNNAMED', /aggregate on orders/, () =>
      grouped.aggregate({ name: '', init: () => 0, add: (n) => n, value: float64() }),
    )
    refused('E_STORE_UNNAMED', /reduce on orders/, () => untyped(grouped).reduce(() => 1))
    refused('E_STORE_UNNAMED', /toTable on orders/, () => untyped(source).toTable())
    refused('E_STORE_UNNAMED', /join on orders/, () => untyped(source).join(table(others), () => 1))
    refused('E_STORE_UNNAMED', /groupBy on orders/, () => untyped(source).groupBy(() => 'k'))
    refused('E_STORE_UNNAMED', /groupBy on others/, () => untyped(table(others)).groupBy(() => 'k'))
    refused('E_STORE_UNNAMED', /repartition on orders/, () => untyped(source).repartition())
  })

  it('a name that no topic and no folder could have', () => {
    refused('E_NAME', /count on orders.*"a b"/, () => source.groupByKey().count({ name: 'a b' }))
    refused('E_NAME', /filter on orders.*"ä"/, () =>
      topology('app', [source.filter(() => true, { name: 'ä' }).to(others)]),
    )
    refused('E_NAME', /a store of process on orders.*"x\/y"/, () => {
      const store = keyValueStore('x/y', { key: string(), value: int64() })
      topology('app', [
        source
          .process({
            stores: { store },
            value: json<Order>(),
            key: string(),
            create: () => ({ process() {} }),
          })
          .to(others),
      ])
    })
    refused('E_TOPIC_NAME', /"no topic"/, () => topic('no topic', { key: string(), value: string() }))
    refused('E_TOPIC_NAME', /"my app"/, () => topology('my app', [source.to(others)]))
  })

  it('a name that is taken', () => {
    refused('E_NAME_TAKEN', /filter 'x' and peek 'x'/, () =>
      topology('app', [
        source
          .filter(() => true, { name: 'x' })
          .peek(() => {}, { name: 'x' })
          .to(others),
      ]),
    )
    refused('E_NAME_TAKEN', /table on others and table on others.*"others"/, () => {
      const join = (name: string) => source.join(table(others), (o) => o, { name, value: json<Order>() })
      topology('app', [join('a').to(others), join('b').to(others)])
    })
    refused('E_NAME_TAKEN', /repartition 'again' and repartition 'again'/, () => {
      const moved = () => source.repartition({ name: 'again' })
      topology('app', [moved().to(others), moved().to(others)])
    })
  })

  it('is none where one store is used twice on purpose', () => {
    const rows = table(others)
    const join = (name: string) => source.join(rows, (o) => o, { name, value: json<Order>() })
    assert.equal(topology('app', [join('a').to(others), join('b').to(others)]).subTopologies.size, 1)
  })

  it('a serde that is not known', () => {
    const mapped = source.mapValues((o) => o.amount)
    refused(
      'E_SERDE_UNKNOWN',
      /reduce 'sums' does not know how to write its values.*remedy: give the value option/s,
      () => mapped.groupByKey().reduce((a, b) => a + b, { name: 'sums' }),
    )
    refused('E_SERDE_UNKNOWN', /repartition 'r'.*keys/, () =>
      source.selectKey((o) => o.customer).repartition({ name: 'r' }),
    )
    refused('E_SERDE_UNKNOWN', /groupBy 'g'.*keys/, () => untyped(source).groupBy(() => 'k', { name: 'g' }))
    refused('E_SERDE_UNKNOWN', /groupBy 'g'.*values/, () =>
      table(others)
        .mapValues((o) => o.amount)
        .groupBy(() => 'k', { name: 'g', key: string() }),
    )
    refused('E_SERDE_UNKNOWN', /toTable 't'.*values/, () => mapped.toTable({ name: 't' }))
    refused('E_SERDE_UNKNOWN', /selectKey on orders.*keys/, () =>
      source.selectKey((o) => o.customer, { keepsPartition: true }),
    )
    const twoSerdes = source.merge(stream(topic('x', { key: string(), value: { ...json<Order>() } })))
    refused('E_SERDE_UNKNOWN', /toTable 't' does not/, () => twoSerdes.toTable({ name: 't' }))
    mapped.groupByKey().reduce((a, b) => a + b, { name: 'sums', value: float64() })
    source.mapValues((o) => o.amount, { value: float64() }).toTable({ name: 't' })
  })

  it('a step by key behind one that changed the keys', () => {
    const words = /works by key.*remedy: put \.repartition.*groupBy.*keepsPartition/s
    const moved = source.selectKey((o) => o.customer, { key: string() })
    refused('E_NOT_PARTITIONED', words, () => moved.groupByKey())
    refused('E_NOT_PARTITIONED', /toTable 't' works/, () => moved.toTable({ name: 't' }))
    refused('E_NOT_PARTITIONED', /join 'j' works/, () => moved.join(table(others), (o) => o, { name: 'j' }))
    refused('E_NOT_PARTITIONED', words, () => source.map((value, key) => ({ key, value })).groupByKey())
    refused('E_NOT_PARTITIONED', words, () => source.flatMap((value, key) => [{ key, value }]).groupByKey())
    refused('E_NOT_PARTITIONED', words, () =>
      source.process<string, Order>({ create: ({ emit }) => ({ process: emit }) }).groupByKey(),
    )
    refused('E_NOT_PARTITIONED', words, () =>
      moved
        .filter(() => true)
        .merge(source)
        .groupByKey(),
    )
    moved.repartition({ name: 'r' }).groupByKey()
    source.selectKey((o) => o.customer, { key: string(), keepsPartition: true }).groupByKey()
  })

  it('one topic said in two ways', () => {
    const asText = topic('orders', { key: string(), value: string() })
    const timed = topic('orders', { key: string(), value: json<Order>(), timestamp: () => 1 })
    refused('E_TOPIC_CONFLICT', /stream\(orders\) and stream\(orders\)/, () =>
      topology('app', [
        source.to(others),
        stream(asText).to(topic('copy', { key: string(), value: string() })),
      ]),
    )
    refused('E_TOPIC_CONFLICT', /topic orders/, () =>
      topology('app', [source.to(others), stream(timed).to(others)]),
    )
    refused('E_TOPIC_CONFLICT', /to\(totals\) on orders/, () =>
      topology('app', [
        source.mapValues((o) => o.amount).to(totals),
        source.mapValues(() => 'x').to(topic('totals', { key: string(), value: string() })),
      ]),
    )
    refused('E_TOPIC_CONFLICT', /belongs to repartition 'r'/, () =>
      topology('app', [
        source.repartition({ name: 'r' }).to(others),
        stream(topic('app-r-repartition', { key: string(), value: json<Order>() })).to(others),
      ]),
    )
  })

  it('a topic that feeds itself for ever', () => {
    refused('E_TOPIC_LOOP', /to\(orders\) on orders/, () => topology('app', [source.to(orders)]))
    refused('E_TOPIC_LOOP', /to\(orders\)/, () =>
      topology('app', [
        source
          .merge(stream(others))
          .mapValues((o) => o)
          .repartition({ name: 'r', value: json<Order>() })
          .to(orders),
      ]),
    )
    topology('app', [
      source
        .filter((o) => o.amount > 0)
        .mapValues((o) => o)
        .to(orders),
    ])
  })

  it('a name where a topic is meant, and no sink at all', () => {
    refused('E_TOPIC', /stream\(\) takes a topic, not "orders"/, () => stream(untyped('orders')))
    refused('E_TOPIC', /to\(\) takes a topic, not "out"/, () => source.to(untyped('out')))
    refused('E_TOPIC', /table\(\) takes a topic, not undefined/, () => table(untyped(undefined)))
    refused('E_TOPOLOGY_EMPTY', /app/, () => topology('app', []))
  })

  it('a number of partitions that is none', () => {
    refused('E_PARTITIONS', /repartition 'r' cannot have 0/, () =>
      source.repartition({ name: 'r', partitions: 0 }),
    )
    refused('E_PARTITIONS', /'r' cannot have 1.5/, () =>
      source.groupBy((o) => o.customer, { name: 'r', key: string(), partitions: 1.5 }),
    )
  })

  it('is what the operator itself says it is', () => {
    const node = processorNode({
      operator: 'mine',
      prefix: 'MINE',
      parents: [source.shape.node],
      create: () => ({ process() {} }),
      validate: () => {
        throw new RevlogError('E_MINE', 'mine is misplaced', { remedy: 'put it elsewhere' })
      },
    })
    refused('E_MINE', /misplaced/, () => topology('app', [{ node }]))
  })
})

describe('a topology is a value', () => {
  it('deriving a stream never changes its input, and nothing registers on the side', () => {
    const before = topology('app', [source.to(others)])
    source.filter(() => false).to(totals as never)
    const after = topology('app', [source.to(others)])
    assert.deepEqual([...before.names.values()], [...after.names.values()])
    assert.equal(after.nodes.size, 2)
  })

  it('is frozen, and so is everything that it is made of', () => {
    const sink = source.to(others)
    const app = topology('app', [sink])
    for (const value of [
      app,
      sink,
      sink.node,
      source,
      source.shape.node,
      orders,
      table(orders),
      source.groupByKey(),
    ]) {
      assert.ok(Object.isFrozen(value))
    }
  })

  it('is what its sinks reach: a stream that leads nowhere is not in it', () => {
    const both = source.split({ big: (o) => o.amount > 10 }, { otherwise: 'rest' })
    const app = topology('app', [both.big.to(others)])
    assert.deepEqual(app.nodes.map((node) => node.kind).toArray(), [
      'source',
      'processor',
      'processor',
      'sink',
    ])
  })
})
