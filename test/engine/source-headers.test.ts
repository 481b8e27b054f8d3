import assert from 'node:assert/strict'
import { json, stream, string, topic, topology } from 'revlog'
import { lastHeader, NO_HEADERS } from '../../lib/core/record.js'
import { createTask } from '../../lib/engine/task.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'

const orders = topic('orders', { key: string(), value: json<readonly string[]>() })
const items = topic('items', { key: string(), value: string() })
const application = topology('app', [
  stream(orders)
    .flatMap((names) => names.map((name) => ({ key: name, value: name })), {
      key: string(),
      value: string(),
    })
    .to(items),
])

function sourcesOf(sourceHeaders: boolean): readonly (string | undefined)[] {
  const task = createTask({
    part: application.subTopologies.first()!,
    partition: 3,
    partitions: 4,
    state: createMemoryBackend(),
    wallTime: 0,
    sourceHeaders,
  })
  task.seek('orders', 40)
  const order = (offset: number, names: readonly string[]) => ({
    offset,
    timestamp: 1,
    key: Buffer.from('k'),
    value: Buffer.from(JSON.stringify(names)),
    headers: NO_HEADERS,
  })
  task.add('orders', [order(40, ['a', 'b', 'a']), order(41, ['a'])], 42)
  task.process(0)
  return task.effects().outputs.map(({ headers }) => lastHeader(headers, 'revlog-source')?.toString())
}

describe('source headers', () => {
  it('say which record an output was made from, and which of several of its key it is', () => {
    assert.deepEqual(sourcesOf(true), ['orders-3@40', 'orders-3@40', 'orders-3@40#1', 'orders-3@41'])
  })

  it('are not there unless asked for', () => {
    assert.deepEqual(sourcesOf(false), [undefined, undefined, undefined, undefined])
  })
})
