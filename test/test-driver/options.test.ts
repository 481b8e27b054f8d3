import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { int64, stream, string, topic, topology } from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'
import { billing, counting, counts, words } from './topologies.js'

const timed = (clock: () => number) =>
  topology('timed', [
    stream(words)
      .mapValues(clock, { value: int64() })
      .to(topic('times', { key: string(), value: int64() })),
  ])

describe('options of the driver', () => {
  for (const options of [
    { commitEvery: 0 },
    { partitions: 1.5 },
    { partitions: { words: 0 } },
    { wallTime: -1 },
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => new TopologyTestDriver(counting, options), { code: 'E_OPTION' })
    })
  }

  it('strict finds functions that ask for the time of day or for chance', () => {
    for (const [what, clock] of [
      ['Date.now()', () => Date.now()],
      ['new Date()', () => new Date().getUTCSeconds()],
      ['Math.random()', () => Math.floor(Math.random() * 2)],
    ] as const) {
      using driver = new TopologyTestDriver(timed(clock), { strict: true })
      assert.throws(() => driver.inputTopic(words).pipeInput('x'), {
        code: 'E_NOT_DETERMINISTIC',
        problem: `a function of the topology calls ${what}`,
      })
      assert.ok(Date.now() > 0 && Math.random() < 1, 'outside of the topology they work')
    }
    using driver = new TopologyTestDriver(
      timed(() => new Date(5).getTime()),
      { strict: true },
    )
    driver.inputTopic(words).pipeInput('x')
  })

  it('a driver that cannot be made leaves no directory behind', () => {
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('revlog-test-'))
    const before = left()
    assert.throws(() => new TopologyTestDriver(billing, { store: 'lmdb', partitions: { orders: 2 } }))
    assert.deepEqual(left(), before)
  })

  it('metrics and stores are there by task and by name', () => {
    using driver = new TopologyTestDriver(counting, { partitions: 2 })
    driver.inputTopic(words).pipeInput('foobar', '')
    const processed = [...driver.metrics()].map(([task, { counters }]) => [
      task,
      counters.get('process-total'),
    ])
    assert.deepEqual(processed, [
      ['0_0', 1],
      ['0_1', 0],
    ])
    assert.deepEqual(driver.storeNames(), ['words-by-key'])
    assert.equal(driver.outputTopic(counts).readValue(), 1)
  })
})
