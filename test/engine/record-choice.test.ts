import assert from 'node:assert/strict'
import type { Duration } from '../../lib/core/duration.js'
import { milliseconds } from '../../lib/core/duration.js'
import { type LogRecord, NO_HEADERS } from '../../lib/core/record.js'
import { createPunctuator } from '../../lib/engine/punctuation.js'
import { createTask, type Task } from '../../lib/engine/task.js'
import { string } from '../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import { topic } from '../../lib/topology/topic.js'
import { topology } from '../../lib/topology/topology.js'
import { conforms } from '../conformance.js'
import { join, sink, source } from './nodes.js'

const text = { key: string(), value: string() }
const app = topology('choice', [
  sink(join('both', [source(topic('1', text)), source(topic('2', text))]), topic('out', text)),
])

interface Operation {
  readonly add?: number
  readonly ts?: readonly number[]
  readonly next?: number
  readonly partition?: number
  readonly streamTime?: number
  readonly lateness?: number
  readonly lag2?: number | 'unknown'
  readonly readyAt?: number
  readonly ready?: boolean
}
interface Case {
  readonly name: string
  readonly maxTaskIdleMs?: number
  readonly ops: readonly Operation[]
}

const recordAt = (offset: number, timestamp: number): LogRecord => ({
  offset,
  timestamp,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: NO_HEADERS,
})

/** A task that reads topics `1` and `2`, with the operations of Kafka Streams' `PartitionGroup`. */
function createGroup(maxTaskIdleMs: number) {
  const task: Task = createTask({
    part: app.subTopologies.first()!,
    partition: 0,
    partitions: 1,
    state: createMemoryBackend(),
    wallTime: 0,
    maxTaskIdleMs,
  })
  const ends = new Map([
    ['1', 0],
    ['2', 0],
  ])
  for (const name of task.topics) task.seek(name, 0)
  const lateness = task.metrics.histogram('record-lateness')
  return {
    task,
    run(op: Operation): void {
      if (op.add !== undefined) {
        const name = String(op.add)
        const from = ends.get(name)!
        const records = op.ts!.map((ts, i) => recordAt(from + i, ts))
        ends.set(name, from + records.length)
        task.add(name, records, from + records.length)
      } else if (op.lag2 !== undefined) {
        if (op.lag2 !== 'unknown') task.add('2', [], ends.get('2')! + op.lag2)
      } else if (op.readyAt !== undefined) {
        // Asking takes one record, so a case may ask as often as it added records.
        assert.equal(task.process(op.readyAt, 1) === 1, op.ready, JSON.stringify(op))
      } else if (op.next !== undefined) {
        const before = task.effects().outputs.length
        const late = lateness.count
        assert.equal(task.process(0, 1), 1, JSON.stringify(op))
        assert.equal(task.effects().outputs[before]?.timestamp, op.next, JSON.stringify(op))
        if (op.lateness !== undefined) {
          assert.equal(lateness.count - late, 1)
          assert.ok(lateness.max >= op.lateness)
        }
      }
      if (op.streamTime !== undefined) assert.equal(task.streamTime(), op.streamTime, JSON.stringify(op))
    },
  }
}

describe('the choice among the inputs of a task', () => {
  conforms<{ readonly cases: readonly Case[] }>('kafka-streams', 'partition-group', ({ cases }) => {
    for (const { ops, maxTaskIdleMs = -1 } of cases) {
      const group = createGroup(maxTaskIdleMs)
      for (const op of ops) group.run(op)
    }
  })

  it('takes the first input, as the topology names them, among equal times', () => {
    const { task, run } = createGroup(0)
    run({ add: 2, ts: [7, 7] })
    run({ add: 1, ts: [7, 8] })
    task.process(0, 1)
    assert.equal(task.position('1'), 1)
    assert.equal(task.position('2'), 0)
  })

  it('waits for an empty input from the moment it is first seen empty, even while all are', () => {
    const { task, run } = createGroup(10)
    task.add('1', [], 0)
    task.add('2', [], 0)
    assert.equal(task.process(5), 0)
    run({ add: 1, ts: [1] })
    assert.equal(task.process(14), 0)
    assert.equal(task.process(15), 1)
  })

  it('waits again after the input had a record', () => {
    const { task, run } = createGroup(10)
    run({ add: 1, ts: [1, 3, 5] })
    run({ add: 2, ts: [2] })
    assert.equal(task.process(100), 2)
    assert.equal(task.process(109), 0)
    assert.equal(task.process(110), 2)
  })
})

interface PunctuationCase {
  readonly firstDue: number
  readonly intervalMs: number
  readonly cancelInsidePunctuator?: boolean
  readonly steps: readonly { readonly maybePunctuateAt: number; readonly fires: boolean }[]
  readonly nextDueAfterLast?: number
}

describe('punctuation', () => {
  conforms<{ readonly cases: readonly PunctuationCase[] }>(
    'kafka-streams',
    'punctuation-queue',
    ({ cases }) => {
      for (const { firstDue, intervalMs, cancelInsidePunctuator, steps, nextDueAfterLast } of cases) {
        // A wall-clock timer is first due one interval after it was scheduled.
        const punctuator = createPunctuator(
          {},
          () => firstDue - intervalMs,
          (_, run) => run(),
        )
        let fired = 0
        const timer = punctuator.schedule('op', intervalMs as Duration, 'wall-clock-time', () => {
          fired++
          if (cancelInsidePunctuator === true) timer.cancel()
        })
        for (const { maybePunctuateAt, fires } of steps) {
          const before = fired
          assert.equal(punctuator.fire('wall-clock-time', maybePunctuateAt), fires)
          assert.equal(fired - before, fires ? 1 : 0, `at ${maybePunctuateAt}`)
        }
        if (nextDueAfterLast !== undefined) {
          assert.deepEqual(Object.values(punctuator.state()), [nextDueAfterLast])
        }
      }
    },
  )

  const setup = (stored = {}) => {
    const log: string[] = []
    const punctuator = createPunctuator(
      stored,
      () => 1_000,
      (_, run) => run(),
    )
    const schedule = (name: string, ms: number, type: 'stream-time' | 'wall-clock-time' = 'stream-time') =>
      punctuator.schedule(name, milliseconds(ms), type, (time) => log.push(`${name}@${time}`))
    return { log, punctuator, schedule }
  }

  it('fires several timers in the order in which they were due, each with the current time', () => {
    const { log, punctuator, schedule } = setup()
    schedule('slow', 70)
    schedule('quick', 30)
    punctuator.fire('stream-time', 0)
    punctuator.fire('stream-time', 100)
    assert.deepEqual(log, ['slow@0', 'quick@0', 'quick@100', 'slow@100'])
  })

  it('goes on after a restart where it was, on the same grid', () => {
    const first = setup()
    first.schedule('t', 100)
    first.punctuator.fire('stream-time', 250)
    const second = setup(first.punctuator.state())
    second.schedule('t', 100)
    assert.equal(second.punctuator.fire('stream-time', 299), false)
    assert.equal(second.punctuator.fire('stream-time', 300), true)
  })

  it('does not take over the time of a timer with another interval', () => {
    const first = setup()
    first.schedule('t', 3_600_000, 'wall-clock-time')
    const second = setup(first.punctuator.state())
    second.schedule('t', 10, 'wall-clock-time')
    assert.equal(second.punctuator.fire('wall-clock-time', 1_010), true)
  })

  it('a timer scheduled by a callback fires in the same pass when it is due', () => {
    const { log, punctuator, schedule } = setup()
    punctuator.schedule('outer', milliseconds(100), 'stream-time', () => schedule('inner', 1_000))
    punctuator.fire('stream-time', 5)
    assert.deepEqual(log, ['inner@5'])
  })

  it('a cancelled timer neither fires nor is kept', () => {
    const { log, punctuator, schedule } = setup()
    const cancelled = schedule('a', 10)
    punctuator.schedule('b', milliseconds(10), 'stream-time', () => cancelled.cancel())
    cancelled.cancel()
    punctuator.fire('stream-time', 5)
    assert.deepEqual(log, [])
    assert.deepEqual(Object.keys(punctuator.state()), ['b stream-time 10 0'])
  })
})
