import assert from 'node:assert/strict'
import { type LogRecord, NO_HEADERS } from '../../lib/core/record.js'
import { createTask } from '../../lib/engine/task.js'
import { int64, stream, string, topic, topology } from '../../lib/index.js'
import { hostTask } from '../../lib/service/hosted-task.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: int64() })
const counting = topology('app', [stream(words).groupByKey().count({ name: 'count' }).toStream().to(counts)])

const word: LogRecord = {
  offset: 0,
  timestamp: 0,
  key: Buffer.from('a'),
  value: Buffer.from('v'),
  headers: NO_HEADERS,
}

describe('a task and its log', () => {
  it('has answered what follows its last record, and would begin before it', () => {
    const state = createMemoryBackend()
    const part = counting.subTopologies.first()!
    const make = () => createTask({ part, partition: 0, partitions: 1, state, wallTime: 0 })
    const task = make()
    task.seek('words', 0)
    // A record, and behind it the mark of the transaction that it came with.
    const log = {
      endOffset: () => 2,
      read: () => ({ records: [word], nextOffset: 2, endOffset: 2, logStartOffset: 0 }),
    }
    const hosted = hostTask(task, 'count', log, 1_000, 1_000)
    assert.equal(hosted.run(0, Infinity), 'done')
    const reached = hosted.mark()
    const { writes, metadata } = task.effects()
    state.commit(writes, metadata)
    task.committed()
    assert.deepEqual([hosted.durable('words'), hosted.begins('words')], [0, 0])
    reached()
    assert.deepEqual([hosted.durable('words'), hosted.begins('words')], [2, 1])
    assert.equal(make().position('words'), 1)
  })
})
