import assert from 'node:assert/strict'
import { milliseconds } from '../../lib/core/duration.js'
import { type LogRecord, NO_HEADERS } from '../../lib/core/record.js'
import { createTask, type Task } from '../../lib/engine/task.js'
import { int64, string } from '../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import type { StateBackend } from '../../lib/state/port.js'
import { topic } from '../../lib/topology/topic.js'
import { type Topology, topology } from '../../lib/topology/topology.js'
import { counted, processor, sink, source } from './nodes.js'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: int64() })
const counting = topology('app', [sink(counted('count', source(words)), counts)])

const start = (app: Topology, state: StateBackend, wallTime = 0): Task => {
  const task = createTask({ part: app.subTopologies.first()!, partition: 0, partitions: 1, state, wallTime })
  if (task.position('words') === undefined) task.seek('words', 0)
  return task
}
const record = (offset: number, key: string, timestamp = offset): LogRecord => ({
  offset,
  timestamp,
  key: Buffer.from(key),
  value: Buffer.from('v'),
  headers: NO_HEADERS,
})
const commit = (task: Task, state: StateBackend): void => {
  const { writes, metadata } = task.effects()
  state.commit(writes, metadata)
  task.committed()
}
const outputs = (task: Task) =>
  task.effects().outputs.map((r) => [r.key?.toString(), int64().decode(r.value!)])

describe('a task', () => {
  it('goes on after a restart from what was committed: rows, position, stream time', () => {
    const state = createMemoryBackend()
    const first = start(counting, state)
    first.add('words', [record(0, 'a', 50), record(1, 'a', 20)], 2)
    first.process(0)
    assert.deepEqual(outputs(first), [
      ['a', 1],
      ['a', 2],
    ])
    commit(first, state)
    assert.equal(first.dirty(), false)

    const second = start(counting, state)
    assert.equal(second.position('words'), 2)
    assert.equal(second.streamTime(), 50)
    second.add('words', [record(2, 'a', 30)], 3)
    second.process(0)
    assert.deepEqual(outputs(second), [['a', 3]])
  })

  it('loses what was not committed, all of it', () => {
    const state = createMemoryBackend()
    const first = start(counting, state)
    first.add('words', [record(0, 'a', 50)], 1)
    first.process(0)

    const second = start(counting, state)
    assert.equal(second.position('words'), 0)
    assert.equal(second.streamTime(), -1)
    second.add('words', [record(0, 'a', 50)], 1)
    second.process(0)
    assert.deepEqual(outputs(second), [['a', 1]])
  })

  it('hands over a key that was written often as one write', () => {
    const task = start(counting, createMemoryBackend())
    task.add('words', [record(0, 'b'), record(1, 'a'), record(2, 'b')], 3)
    task.process(0)
    const [store, ...others] = task.effects().writes
    assert.equal(others.length, 0)
    assert.equal(store?.store, 'count')
    assert.deepEqual(
      store?.writes.map(({ key, value }) => [key, int64().decode(value!)]),
      [
        ['a', 1],
        ['b', 2],
      ],
    )
  })

  it('processes as many as it is asked to, and says how many', () => {
    const task = start(counting, createMemoryBackend())
    task.add('words', [record(0, 'a'), record(1, 'a'), record(2, 'a')], 3)
    assert.equal(task.process(0, 2), 2)
    assert.equal(task.position('words'), 2)
    assert.equal(task.buffered('words'), 1)
    assert.equal(task.process(0), 1)
    assert.equal(task.process(0), 0)
  })

  it('skips the gaps that compaction leaves', () => {
    const task = start(counting, createMemoryBackend())
    task.add('words', [record(3, 'a'), record(9, 'a')], 12)
    task.process(0)
    assert.equal(task.position('words'), 10)
  })

  const timed = (log: string[]): Topology =>
    topology('app', [
      {
        node: processor('timed', [source(words)], ({ schedule, streamTime, wallTime, recordMetadata }) => {
          schedule(milliseconds(10), 'stream-time', (time) =>
            log.push(`stream ${time} ${streamTime()} ${recordMetadata()}`),
          )
          schedule(milliseconds(10), 'wall-clock-time', (time) => log.push(`wall ${time} ${wallTime()}`))
          return { process: ({ key }) => log.push(`record ${key} ${recordMetadata()?.offset}`) }
        }),
      },
    ])

  it('fires a stream-time timer after the record that moved the time, which is no record of the timer', () => {
    const log: string[] = []
    const task = start(timed(log), createMemoryBackend())
    task.add('words', [record(0, 'a', 5), record(1, 'b', 7), record(2, 'c', 31)], 3)
    task.process(0)
    assert.deepEqual(log, [
      'record a 0',
      'stream 5 5 undefined',
      'record b 1',
      'record c 2',
      'stream 31 31 undefined',
    ])
  })

  it('keeps its timers over a restart', () => {
    const state = createMemoryBackend()
    const log: string[] = []
    const first = start(timed(log), state, 1_000)
    first.add('words', [record(0, 'a', 25)], 1)
    first.process(1_000)
    first.punctuate(1_012)
    commit(first, state)
    log.length = 0

    const second = start(timed(log), state, 1_013)
    assert.equal(second.punctuate(1_019), false)
    assert.equal(second.punctuate(1_020), true)
    second.add('words', [record(1, 'b', 29), record(2, 'c', 30)], 3)
    second.process(1_020)
    assert.deepEqual(log, ['wall 1020 1020', 'record b 1', 'record c 2', 'stream 30 30 undefined'])
  })

  it('a timer alone gives something to commit', () => {
    const task = start(timed([]), createMemoryBackend())
    assert.equal(task.dirty(), false)
    task.punctuate(10)
    assert.equal(task.dirty(), true)
  })

  it('closes its processors', () => {
    const closed: string[] = []
    const app = topology('app', [
      {
        node: processor('p', [source(words)], () => ({ process: () => {}, close: () => closed.push('p') })),
      },
    ])
    start(app, createMemoryBackend()).close()
    assert.deepEqual(closed, ['p'])
  })

  it('gives a processor only the stores that it named', () => {
    const spec = { name: 's', type: 'rows', fingerprint: '', open: () => ({}) }
    const app = topology('app', [
      {
        node: processor('p', [source(words)], ({ store }) => {
          store(spec)
          return { process: () => {} }
        }),
      },
    ])
    assert.throws(() => start(app, createMemoryBackend()), { code: 'E_STORE_NOT_CONNECTED' })
  })
})
