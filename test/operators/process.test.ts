import assert from 'node:assert/strict'
import {
  type Cancellable,
  int64,
  json,
  keyValueStore,
  milliseconds,
  RevlogError,
  stream,
  string,
  topic,
  topology,
  versionedStore,
  windowStore,
} from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'

const words = topic('words', { key: string(), value: string() })
const others = topic('others', { key: string(), value: string() })
const out = topic('out', { key: string(), value: string() })

describe('process', () => {
  it('gives each processor its open stores by name, and shares a store that two are given', () => {
    const seen = keyValueStore('seen', { key: string(), value: int64() })
    const writing = stream(words).processValues<string>({
      name: 'writer',
      create: () => ({ process: () => {} }),
    })
    const counting = stream(words).processValues({
      stores: { seen },
      value: string(),
      create: ({ stores, emit }) => ({
        process(record) {
          const n = (stores.seen.get(record.key) ?? 0) + 1
          stores.seen.put(record.key, n)
          emit({ ...record, value: `${n}` })
        },
      }),
    })
    const asking = stream(others).processValues({
      stores: { counts: seen },
      value: string(),
      create: ({ stores, emit }) => ({
        process: (record) =>
          emit({ ...record, value: `${record.value} ${stores.counts.get(record.key) ?? 0}` }),
      }),
    })
    const app = topology('app', [writing.to(out), counting.to(out), asking.to(out)])
    assert.equal(app.subTopologies.size, 1)
    using driver = new TopologyTestDriver(app)
    driver.inputTopic(words).pipeInput('k', 'v')
    driver.inputTopic(words).pipeInput('k', 'v')
    driver.inputTopic(others).pipeInput('k', 'now?')
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['1', '2', 'now? 2'])
    assert.equal(driver.store(seen).get('k'), 2)
  })

  it('takes stores of each kind, which come back after a crash and from the changelog', () => {
    const stores = {
      plain: keyValueStore('plain', { key: string(), value: string() }),
      past: versionedStore('past', { key: string(), value: string(), historyRetention: milliseconds(1_000) }),
      recent: windowStore('recent', {
        key: string(),
        value: string(),
        retention: milliseconds(1_000),
      }),
    }
    const kept = stream(words).processValues({
      stores,
      value: string(),
      create: ({ stores: { plain, past, recent }, emit }) => ({
        process(record) {
          const { key, value = '', timestamp } = record
          const before = [plain.get(key), past.get(key, timestamp - 1)?.value, recent.fetch(key, 0)]
          plain.put(key, value)
          past.put(key, value, timestamp)
          recent.put(key, value, 0)
          emit({ ...record, value: JSON.stringify(before) })
        },
      }),
    })
    using driver = new TopologyTestDriver(topology('app', [kept.to(out)]))
    driver.inputTopic(words).pipeInput('k', 'a', 10)
    driver.restart()
    driver.inputTopic(words).pipeInput('k', 'b', 20)
    driver.wipe()
    driver.inputTopic(words).pipeInput('k', 'c', 30)
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), [
      '[null,null,null]',
      '["a","a","a"]',
      '["b","b","b"]',
    ])
  })

  it('can emit from a punctuation, cancel it, and knows where its record came from', () => {
    const app = topology('app', [
      stream(words)
        .process({
          key: string(),
          value: json<unknown>(),
          create: ({ emit, schedule, recordMetadata, streamTime, wallTime, partition, task }) => {
            let fired = 0
            const timer: Cancellable = schedule(milliseconds(10), 'wall-clock-time', (time) => {
              fired++
              emit({ key: 'tick', value: { time, at: recordMetadata() }, timestamp: time, headers: [] })
              if (fired === 2) timer.cancel()
            })
            return {
              process: (record) =>
                emit({
                  ...record,
                  value: { ...recordMetadata(), stream: streamTime(), wall: wallTime(), partition, task },
                }),
            }
          },
        })
        .to(topic('out', { key: string(), value: json<unknown>() })),
    ])
    using driver = new TopologyTestDriver(app)
    driver.inputTopic(words).pipeInput('k', 'v', 7)
    for (let i = 0; i < 4; i++) driver.advanceWallClockTime(milliseconds(10))
    assert.deepEqual(
      driver.outputTopic(topic('out', { key: string(), value: json<unknown>() })).readValuesToList(),
      [
        { topic: 'words', partition: 0, offset: 0, stream: 7, wall: 0, task: '0_0' },
        { time: 10 },
        { time: 20 },
      ],
    )
  })

  it('is closed with its task', () => {
    let open = 0
    const app = topology('app', [
      stream(words)
        .process<string, string>({
          create: () => {
            open++
            return { process: () => {}, close: () => void open-- }
          },
        })
        .to(out),
    ])
    const driver = new TopologyTestDriver(app, { partitions: 2 })
    assert.equal(open, 2)
    driver.close()
    assert.equal(open, 0)
  })
})

describe('processValues', () => {
  it('keeps the key, and says so when a processor does not', () => {
    const moving = stream(words).processValues<string>({
      name: 'moving',
      create: ({ emit }) => ({ process: (record) => emit({ ...record, key: 'other', value: 'v' }) }),
    })
    using driver = new TopologyTestDriver(topology('app', [moving.to(out)]))
    assert.throws(
      () => driver.inputTopic(words).pipeInput('k', 'v'),
      (error) =>
        error instanceof RevlogError &&
        error.code === 'E_KEY_CHANGED' &&
        /operator moving/.test(error.message),
    )
  })

  it('needs no repartition behind it', () => {
    const counted = stream(words)
      .processValues({ value: string(), create: ({ emit }) => ({ process: emit }) })
      .groupByKey()
      .count({ name: 'counts' })
    assert.equal(topology('app', [counted.toStream().mapValues(String).to(out)]).subTopologies.size, 1)
  })

  it('names a function that throws, and stops the task with its coordinates', () => {
    const failing = stream(words).processValues<string>({
      name: 'failing',
      create: () => ({
        process() {
          throw new Error('boom')
        },
      }),
    })
    using driver = new TopologyTestDriver(topology('app', [failing.to(out)]))
    assert.throws(
      () => driver.inputTopic(words).pipeInput('k', 'v'),
      /E_PROCESSING: boom \(task 0_0, operator failing, topic words, partition 0, offset 0\)/,
    )
  })
})
