import assert from 'node:assert/strict'
import {
  type Header,
  int32,
  type KStream,
  REVISION_HEADERS,
  RevlogError,
  type Sink,
  stream,
  string,
  table,
  topic,
  topology,
} from '../../lib/index.js'
import { type TestDriverOptions, TopologyTestDriver } from '../../test-driver/index.js'

const words = topic('words', { key: string(), value: string() })
const more = topic('more', { key: string(), value: string() })
const out = topic('out', { key: string(), value: string() })
const [left, right] = [
  topic('left', { key: string(), value: string() }),
  topic('right', { key: string(), value: string() }),
]

/** A topology over `words` that ends in `out`. */
const driverOf = (
  build: (s: KStream<string, string>) => KStream<string, string>,
  options?: TestDriverOptions,
) => new TopologyTestDriver(topology('app', [build(stream(words)).to(out)]), options)

type Step = (s: KStream<string, string>) => KStream<string, string>
const same = (value: string): string => value

/** How each step treats a tombstone, whose value no function can be called with. */
const PASSING: { readonly [name: string]: Step } = {
  filter: (s) => s.filter((v) => v.length > 100),
  filterNot: (s) => s.filterNot((v) => v.length < 100),
  mapValues: (s) => s.mapValues((v) => v.toUpperCase()),
  peek: (s) => s.peek((v) => v.length),
  merge: (s) => s.merge(stream(more)),
  repartition: (s) => s.repartition({ name: 'r' }),
  'a branch': (s) => s.split({ long: (v) => v.length > 3 }).long,
  'the default branch': (s) => s.split({ long: (v) => v.length > 3 }, { otherwise: 'rest' }).rest,
  'toTable and toStream': (s) => s.toTable({ name: 't' }).toStream(),
}
const COUNTING: { readonly [name: string]: Step } = {
  map: (s) => s.map((value, key) => ({ key, value: value.trim() })),
  flatMap: (s) => s.flatMap((value, key) => [{ key, value: value.trim() }]),
  flatMapValues: (s) => s.flatMapValues((value) => [value.trim()]),
  selectKey: (s) => s.selectKey((value) => value.trim()),
  groupBy: (s) =>
    s
      .groupBy((v) => v.trim(), { name: 'g', key: string() })
      .reduce(same, { name: 'last' })
      .toStream(),
  'groupByKey and reduce': (s) => s.groupByKey().reduce(same, { name: 'last' }).toStream(),
}

describe('a tombstone', () => {
  for (const [name, step] of Object.entries(PASSING)) {
    it(`passes ${name}`, () => {
      using driver = driverOf(step)
      driver.inputTopic(words).pipeTombstone('k', 7)
      const [record, ...others] = driver.outputTopic(out).readRecordsToList()
      assert.deepEqual(
        { ...record },
        { key: 'k', value: undefined, timestamp: 7, headers: [], partition: 0, offset: 0 },
      )
      assert.deepEqual(others, [])
      assert.equal(driver.dropped().size, 0)
    })
  }
  for (const [name, step] of Object.entries(COUNTING)) {
    it(`is nothing that ${name} could act on: it is counted as null-value`, () => {
      using driver = driverOf(step)
      driver.inputTopic(words).pipeTombstone('k')
      assert.ok(driver.outputTopic(out).isEmpty())
      assert.deepEqual([...driver.dropped()], [['null-value', 1]])
    })
  }
  it('is not shown to forEach, and is shown to process', () => {
    const seen: unknown[] = []
    const s = stream(words)
    const shown = s.process<string, string>({
      create: () => ({ process: ({ value }) => void seen.push(['process', value]) }),
    })
    using driver = new TopologyTestDriver(
      topology('app', [s.forEach((v) => void seen.push(v)), shown.to(out)]),
    )
    driver.inputTopic(words).pipeTombstone('k')
    driver.inputTopic(words).pipeInput('k', 'v')
    assert.deepEqual(seen, [['process', undefined], 'v', ['process', 'v']])
  })
})

describe('revision headers', () => {
  const revision: Header = { key: REVISION_HEADERS.revision, value: Buffer.alloc(16, 1) }
  const trace: Header = { key: 'trace', value: Buffer.from('t') }
  const KEEPING: { readonly [name: string]: Step } = {
    filter: (s) => s.filter(() => true),
    mapValues: (s) => s.mapValues(same),
    peek: (s) => s.peek(() => {}),
    split: (s) => s.split({ all: () => true }).all,
    repartition: (s) => s.repartition({ name: 'r' }),
    'toTable, filter, mapValues and toStream': (s) =>
      s
        .toTable({ name: 't' })
        .filter(() => true)
        .mapValues(same)
        .toStream(),
  }
  const ENDING: { readonly [name: string]: Step } = {
    map: (s) => s.map((value, key) => ({ key, value })),
    flatMap: (s) => s.flatMap((value, key) => [{ key, value }]),
    flatMapValues: (s) => s.flatMapValues((value) => [value]),
    selectKey: (s) => s.selectKey(same),
    merge: (s) => s.merge(stream(more)),
    process: (s) => s.process<string, string>({ create: ({ emit }) => ({ process: emit }) }),
    processValues: (s) => s.processValues<string>({ create: ({ emit }) => ({ process: emit }) }),
    leftJoin: (s) => s.leftJoin(table(more), same, { name: 'j' }),
  }
  const headersAfter = (step: Step): readonly Header[] => {
    using driver = driverOf(step)
    driver.inputTopic(words).pipeRecord({ key: 'k', value: 'v', headers: [trace, revision] })
    return driver.outputTopic(out).readRecord().headers
  }
  for (const [name, step] of Object.entries(KEEPING)) {
    it(`stay through ${name}`, () => assert.deepEqual(headersAfter(step), [trace, revision]))
  }
  for (const [name, step] of Object.entries(ENDING)) {
    it(`end at ${name}: what is made of an answer is not that answer; other headers stay`, () =>
      assert.deepEqual(headersAfter(step), [trace]))
  }
  it('and all others end at an aggregate', () =>
    assert.deepEqual(
      headersAfter((s) => s.groupByKey().reduce(same, { name: 'last' }).toStream()),
      [],
    ))
})

describe('split', () => {
  it('calls each predicate once at most, until one passes', () => {
    const asked: string[] = []
    const ask = (name: string, answer: boolean) => () => {
      asked.push(name)
      return answer
    }
    const { a, b, c } = stream(words).split({ a: ask('a', false), b: ask('b', true), c: ask('c', true) })
    using driver = new TopologyTestDriver(topology('app', [a.to(left), b.to(out), c.to(right)]))
    driver.inputTopic(words).pipeInput('k', 'v')
    assert.deepEqual(asked, ['a', 'b'])
    assert.deepEqual(driver.producedTopicNames(), ['out'])
  })

  it('fails once for a predicate that throws', () => {
    const fails = (): boolean => {
      throw new Error('no')
    }
    const { a, rest } = stream(words).split({ a: fails }, { otherwise: 'rest' })
    const app = topology('app', [a.to(left), rest.to(out)])
    using driver = new TopologyTestDriver(app, { onError: { processing: 'skip' } })
    driver.inputTopic(words).pipeInput('k', 'v')
    assert.deepEqual([...driver.dropped()], [['processing-error', 1]])
    assert.deepEqual(driver.producedTopicNames(), [])
  })
})

describe('flatMap and flatMapValues', () => {
  it('emit nothing of a generator that throws before its end', () => {
    const halfway = function* (value: string) {
      yield value
      throw new Error('halfway')
    }
    using driver = driverOf((s) => s.flatMapValues(halfway), { onError: { processing: 'skip' } })
    driver.inputTopic(words).pipeInput('k', 'v')
    assert.ok(driver.outputTopic(out).isEmpty())
    assert.deepEqual([...driver.dropped()], [['processing-error', 1]])
  })
})

describe('selectKey with keepsPartition', () => {
  const numbers = topic('numbers', { key: int32(), value: string() })
  const keyed = topology('app', [
    stream(numbers)
      .selectKey((value) => value, { key: string(), keepsPartition: true })
      .groupByKey()
      .reduce((a, b) => a + b, { name: 'joined' })
      .toStream()
      .to(out),
  ])

  it('lets a record pass that is in the partition of its new key', () => {
    using driver = new TopologyTestDriver(keyed, { partitions: 4 })
    const place = driver.inputTopic(words).pipeInput('x', '') // where murmur2 sends the key x
    driver.inputTopic(numbers).pipeRecord({ key: 1, value: 'x', partition: place.partition })
    assert.equal(driver.outputTopic(out).readValue(), 'x')
  })

  it('stops at a record that is not, with its coordinates', () => {
    using driver = new TopologyTestDriver(keyed, { partitions: 4 })
    const { partition } = driver.inputTopic(words).pipeInput('x', '')
    const elsewhere = (partition + 1) % 4
    assert.throws(
      () => driver.inputTopic(numbers).pipeRecord({ key: 1, value: 'x', partition: elsewhere }),
      (error) => {
        assert.ok(error instanceof RevlogError)
        assert.equal(error.code, 'E_PARTITION_MOVED')
        assert.deepEqual(error.at, {
          task: `0_${elsewhere}`,
          operator: 'KSTREAM-KEY-SELECT-0000000001',
          topic: 'numbers',
          partition: elsewhere,
          offset: 0,
        })
        return true
      },
    )
  })

  it('counts it under the policy skip, and asks nothing of a single partition', () => {
    using driver = new TopologyTestDriver(keyed, { partitions: 4, onError: { processing: 'skip' } })
    for (let partition = 0; partition < 4; partition++) {
      driver.inputTopic(numbers).pipeRecord({ key: 1, value: 'x', partition })
    }
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['x'])
    assert.deepEqual([...driver.dropped()], [['processing-error', 3]])
    using single = new TopologyTestDriver(keyed)
    single.inputTopic(numbers).pipeInput(1, 'x')
    assert.equal(single.outputTopic(out).readValue(), 'x')
  })
})

describe('a stream', () => {
  it('can be used by several others, in the order in which they were named', () => {
    const s = stream(words).mapValues((v) => v.trim())
    const sinks: Sink[] = [s.mapValues((v) => `${v}1`).to(out), s.mapValues((v) => `${v}2`).to(out)]
    using driver = new TopologyTestDriver(topology('app', sinks))
    driver.inputTopic(words).pipeInput('k', ' v ')
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['v1', 'v2'])
  })

  it('applies any function with pipe', () => {
    const shout = (s: KStream<string, string>) => s.mapValues((v) => v.toUpperCase())
    using driver = driverOf((s) => s.pipe(shout).pipe(shout))
    driver.inputTopic(words).pipeInput('k', 'v')
    assert.equal(driver.outputTopic(out).readValue(), 'V')
  })
})
