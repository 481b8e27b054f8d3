import assert from 'node:assert/strict'
import { outboxHeader } from '../../lib/core/outbox-header.js'
import type { LogRecord } from '../../lib/core/record.js'
import { createTask, type Task } from '../../lib/engine/task.js'
import { int64, string } from '../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import { topic } from '../../lib/topology/topic.js'
import { topology } from '../../lib/topology/topology.js'
import { counted, repartition, sink, source } from './nodes.js'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: int64() })
const application = topology('app', [sink(counted('count', repartition(source(words), 'again')), counts)])
const part = application.subTopologies.find(({ stores }) => stores.length > 0)!
const [{ topic: between }] = part.inputs as unknown as readonly [
  { readonly topic: { readonly name: string } },
]

const record = (offset: number, sequence: number, sender = 'words/0'): LogRecord => ({
  offset,
  timestamp: 1,
  key: Buffer.from('a'),
  value: Buffer.from('v'),
  headers: [outboxHeader(sender, sequence)],
})
const countOf = (task: Task): number | undefined => {
  const last = task.effects().outputs.at(-1)
  return last === undefined ? undefined : Number(int64().decode(last.value!))
}

describe('what was taken of each sender of a repartition topic', () => {
  const state = createMemoryBackend()
  const start = (): Task => {
    const task = createTask({ part, partition: 0, partitions: 1, state, wallTime: 0 })
    if (task.position(between.name) === undefined) task.seek(between.name, 0)
    return task
  }
  const commit = (task: Task): void => {
    const { writes, metadata } = task.effects()
    state.commit(writes, metadata)
    task.committed()
  }

  it('is not taken again, whoever sent something else meanwhile', () => {
    const task = start()
    task.add(between.name, [
      record(0, 0),
      record(1, 1),
      record(2, 0),
      record(3, 0, 'words/1'),
      record(4, 1),
      record(5, 2),
    ])
    task.process(0)
    assert.equal(countOf(task), 4)
    assert.equal(task.metrics.snapshot().counters.get('repeated-records'), 2)
    assert.equal(task.position(between.name), 6)
    commit(task)
  })

  it('is remembered with the position: what was only looked at comes again', () => {
    const before = start()
    before.add(between.name, [record(6, 3), record(7, 4)])
    before.process(0, 1)
    assert.equal(countOf(before), 5)
    commit(before)

    const after = start()
    assert.equal(after.position(between.name), 7)
    after.add(between.name, [record(7, 4), record(8, 3), record(9, 4)])
    after.process(0)
    assert.equal(countOf(after), 6)
  })
})
