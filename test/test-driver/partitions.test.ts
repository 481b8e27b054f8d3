import assert from 'node:assert/strict'
import { keyValueStore, stream, string, topic, topology } from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'
import { billing, counting, countingLetters, counts, words } from './topologies.js'

describe('several partitions', () => {
  it('a record goes where the murmur2 hash of its key says, and each partition has its own task and store', () => {
    using driver = new TopologyTestDriver(counting, { partitions: 4 })
    const input = driver.inputTopic(words)
    // murmur2 as in Kafka's UtilsTest: -973932308, -790332482, 479470107; without the sign, modulo 4.
    assert.deepEqual(
      ['21', 'foobar', 'abc'].map((key) => input.pipeInput(key, '').partition),
      [0, 2, 3],
    )
    assert.deepEqual(
      driver.tasks().map((task) => task.id),
      ['0_0', '0_1', '0_2', '0_3'],
    )
    assert.equal(driver.timestampedKeyValueStore('words-by-key', 2).get('foobar')?.value, 1)
    assert.equal(driver.timestampedKeyValueStore('words-by-key', 1).get('foobar'), undefined)
  })

  it('a repartition topic brings the records of a key together', () => {
    using driver = new TopologyTestDriver(countingLetters, { partitions: 3 })
    const input = driver.inputTopic(words)
    for (let i = 0; i < 30; i++) input.pipeInput(`key-${i}`, i % 2 === 0 ? 'apple' : 'banana')
    assert.deepEqual(
      driver.lastRevisions(counts),
      new Map([
        ['a', 15],
        ['b', 15],
      ]),
    )
    assert.ok(
      new Set(
        driver
          .outputTopic(words)
          .readRecordsToList()
          .map((r) => r.partition),
      ).size > 1,
    )
    assert.deepEqual(driver.producedTopicNames(), ['counts', 'letters-by-letter-repartition'])
  })

  it('the same input gives the same bytes', () => {
    const [one, two] = [1, 2].map(() => {
      using driver = new TopologyTestDriver(countingLetters, { partitions: 3 })
      const input = driver.inputTopic(words)
      for (let i = 0; i < 100; i++) input.pipeInput(`key-${i % 13}`, String.fromCharCode(97 + (i % 26)), i)
      return driver.dump()
    })
    assert.equal(one, two)
    assert.match(one ?? '', /changelog/)
  })

  it('sides of a join with different numbers are refused', () => {
    assert.throws(() => new TopologyTestDriver(billing, { partitions: { orders: 2 } }), {
      code: 'E_NOT_COPARTITIONED',
    })
  })

  it('a topic that the topology writes and reads comes round', () => {
    const again = topic('again', { key: string(), value: string() })
    const out = topic('out', { key: string(), value: string() })
    const round = topology('round', [
      stream(words).to(again),
      stream(again)
        .filter((value) => value.length < 4)
        .mapValues((value) => `${value}x`, { value: string() })
        .to(again),
      stream(again).to(out),
    ])
    using driver = new TopologyTestDriver(round, { partitions: 2 })
    driver.inputTopic(words).pipeInput('k', 'a')
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['a', 'ax', 'axx', 'axxx'])
  })
})

describe('stores of the driver', () => {
  it('are had by name, and by their spec with its type', () => {
    const seen = keyValueStore('seen', { key: string(), value: string() })
    const app = topology('app', [
      stream(words)
        .process({
          name: 'remember',
          stores: { seen },
          create: ({ stores }) => ({ process: ({ key, value }) => stores.seen.put(key, value ?? '') }),
        })
        .forEach(() => {}),
    ])
    using driver = new TopologyTestDriver(app)
    driver.inputTopic(words).pipeInput('k', 'v')
    assert.equal(driver.store(seen).get('k'), 'v')
    assert.equal(driver.keyValueStore('seen').get('k'), 'v')
    assert.throws(() => driver.timestampedKeyValueStore('seen'), { code: 'E_STORE_KIND' })
    assert.throws(() => driver.keyValueStore('other'), { code: 'E_STORE_UNKNOWN' })
    assert.throws(() => driver.store(seen, 3), { code: 'E_STORE_PARTITION' })
    assert.deepEqual(driver.changelog(seen), [
      { task: '0_0', store: 'seen', key: 'k', value: Buffer.from('v') },
    ])
  })
})
