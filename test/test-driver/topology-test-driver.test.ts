import assert from 'node:assert/strict'
import { int64, string } from '../../lib/serdes/primitives.js'
import type { StoreSpec } from '../../lib/state/store.js'
import type { BufferedRows } from '../../lib/state/write-buffer.js'
import { processorNode, type SourceNode, type StreamNode } from '../../lib/topology/node.js'
import { topic } from '../../lib/topology/topic.js'
import { topology } from '../../lib/topology/topology.js'
import { TopologyTestDriver } from '../../test-driver/index.js'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: int64() })

const source = (t: SourceNode['topic']): SourceNode => ({
  kind: 'source',
  name: undefined,
  topic: t,
  parents: [],
})
const countStore: StoreSpec<BufferedRows> = {
  name: 'word-count',
  type: 'rows',
  fingerprint: 'int64',
  open: ({ rows }) => rows,
}
const counted = (parent: StreamNode) =>
  processorNode({
    operator: 'count',
    prefix: 'KSTREAM-AGGREGATE',
    name: 'word-count',
    parents: [parent],
    stores: [countStore],
    create: ({ store, emit }) => ({
      process(record) {
        const rows = store(countStore)
        const before = rows.get(record.key)
        const n = (before === undefined ? 0 : int64().decode(before)) + 1
        rows.put(record.key, int64().encode(n))
        emit({ ...record, value: n })
      },
    }),
  })
const app = topology('app', [
  { node: { kind: 'sink', name: undefined, parents: [counted(source(words))], topic: counts } },
])

describe('TopologyTestDriver', () => {
  it('processes what is piped in, and commits it', () => {
    using driver = new TopologyTestDriver(app, { partitions: 2 })
    const input = driver.inputTopic(words)
    input.pipeInput('a', 'x')
    input.pipeInput('b', 'y', 5)
    input.pipeInput('a', 'z')
    assert.deepEqual(driver.outputTopic(counts).readKeyValuesToList(), [
      { key: 'a', value: 1 },
      { key: 'b', value: 1 },
      { key: 'a', value: 2 },
    ])
    driver.restart()
    driver.wipe()
    input.pipeInput('a', 'z')
    assert.equal(driver.outputTopic(counts).readValue(), 3)
    driver.crashAfter(1)
    input.pipeInput('a', 'z')
    assert.deepEqual(driver.outputTopic(counts).readValuesToList(), [4])
    driver.crashAfter(1, 'resent')
    input.pipeInput('a', 'z')
    assert.deepEqual(driver.outputTopic(counts).readValuesToList(), [5, 5])
    assert.deepEqual(
      driver.lastRevisions(counts),
      new Map([
        ['a', 5],
        ['b', 1],
      ]),
    )
  })
})
