import assert from 'node:assert/strict'
import { RevlogError } from '../../lib/core/errors.js'
import { type Header, type LogRecord, NO_HEADERS } from '../../lib/core/record.js'
import { type ErrorPolicies, FAIL_ON_ERROR } from '../../lib/engine/errors.js'
import { createTask, type Task } from '../../lib/engine/task.js'
import { int32, string } from '../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import { topic } from '../../lib/topology/topic.js'
import { topology } from '../../lib/topology/topology.js'
import { mapped, processor, sink, source } from './nodes.js'

const numbers = topic('numbers', {
  key: string(),
  value: int32(),
  timestamp: (value, { timestamp }) => (value === 999 ? Number.NaN : timestamp),
})
const out = topic('out', { key: string(), value: int32() })
const doubled = mapped('double', source(numbers), (value: number | undefined) => {
  if (value === 13) throw new TypeError('thirteen')
  return value === undefined ? undefined : value * 2
})
const app = topology('app', [
  sink(
    mapped('after', doubled, (value) => value),
    out,
  ),
])

const GOOD = 1
const POISON = 'poison'
const TIMELESS = 999
const REFUSED = 13
type Input = number | typeof POISON

const PARTITION = 3
const taskWith = (errors: Partial<ErrorPolicies>, state = createMemoryBackend()): Task => {
  const task = createTask({
    part: app.subTopologies.first()!,
    partition: PARTITION,
    partitions: 1,
    state,
    errors: { ...FAIL_ON_ERROR, ...errors },
    wallTime: 0,
  })
  if (task.position('numbers') === undefined) task.seek('numbers', 100)
  return task
}
const records = (inputs: readonly Input[]): LogRecord[] =>
  inputs.map((input, i) => ({
    offset: 100 + i,
    timestamp: 1_000 + i,
    key: Buffer.from(`key-${i}`),
    value: input === POISON ? Buffer.from('?') : int32().encode(input),
    headers: [{ key: 'trace', value: Buffer.from('t') }],
  }))
const feed = (task: Task, inputs: readonly Input[]): void =>
  task.add('numbers', records(inputs), 100 + inputs.length)
const outputs = (task: Task, name: string) => task.effects().outputs.filter((r) => r.topic === name)
const values = (task: Task) => outputs(task, 'out').map((r) => int32().decode(r.value!))
const dropped = (task: Task, reason: string) => task.metrics.counter(`dropped-records.${reason}`).value
const headersOf = (headers: readonly Header[]) =>
  Object.fromEntries(headers.map((h) => [h.key, h.value?.toString()]))

const BAD = [
  { bad: POISON, policy: 'deserialization', reason: 'deserialization-error', code: 'E_DESERIALIZATION' },
  { bad: TIMELESS, policy: 'timestamp', reason: 'invalid-timestamp', code: 'E_TIMESTAMP' },
  { bad: REFUSED, policy: 'processing', reason: 'processing-error', code: 'E_PROCESSING' },
] as const

describe('bad records', () => {
  for (const { bad, policy, reason, code } of BAD) {
    const operator = policy === 'processing' ? 'double' : undefined
    describe(policy, () => {
      it('fail: the error says where it happened', () => {
        const task = taskWith({})
        feed(task, [bad])
        assert.throws(
          () => task.process(0),
          (thrown) => {
            assert.ok(thrown instanceof RevlogError)
            assert.equal(thrown.code, code)
            assert.deepEqual(thrown.at, {
              task: `0_${PARTITION}`,
              ...(operator === undefined ? {} : { operator }),
              topic: 'numbers',
              partition: PARTITION,
              offset: 100,
            })
            assert.match(thrown.remedy ?? '', new RegExp(`onError\\.${policy}`))
            return true
          },
        )
        assert.equal(dropped(task, reason), 0)
      })

      for (const [where, inputs] of [
        ['first', [bad, GOOD, GOOD]],
        ['last', [GOOD, GOOD, bad]],
        ['in the middle', [GOOD, bad, GOOD]],
        ['everything', [bad, bad, bad]],
      ] as const) {
        it(`skip: counted, and the position goes on, when it is ${where}`, () => {
          const task = taskWith({ [policy]: 'skip' })
          feed(task, inputs)
          task.process(0)
          const good = inputs.filter((input) => input === GOOD)
          assert.deepEqual(
            values(task),
            good.map(() => 2),
          )
          assert.equal(dropped(task, reason), inputs.length - good.length)
          assert.equal(task.position('numbers'), 103)
          assert.equal(task.effects().positions.get('numbers'), 103)
          assert.ok(task.dirty(), 'there is a position to commit')
        })
      }

      it('dead-letter: the source record, byte for byte, with headers that say why and whence', () => {
        const task = taskWith({ [policy]: 'dead-letter', deadLetterTopic: 'dead' })
        feed(task, [GOOD, bad])
        task.process(0)
        assert.deepEqual(values(task), [2])
        assert.equal(dropped(task, reason), 1)
        const [letter, ...others] = outputs(task, 'dead')
        assert.equal(others.length, 0)
        const source = records([GOOD, bad])[1]!
        assert.deepEqual(
          [letter?.key, letter?.value, letter?.timestamp],
          [source.key, source.value, source.timestamp],
        )
        const headers = headersOf(letter!.headers)
        assert.match(headers['revlog-error-message'] ?? '', /./)
        delete headers['revlog-error-message']
        assert.deepEqual(headers, {
          trace: 't',
          'revlog-error-reason': reason,
          'revlog-error-code': code,
          'revlog-error-task': `0_${PARTITION}`,
          ...(operator === undefined ? {} : { 'revlog-error-operator': operator }),
          'revlog-error-topic': 'numbers',
          'revlog-error-partition': String(PARTITION),
          'revlog-error-offset': '101',
        })
      })
    })
  }

  it('fail: what came before a record that cannot be read is processed and can be committed', () => {
    const state = createMemoryBackend()
    const task = taskWith({}, state)
    feed(task, [GOOD, GOOD, POISON, GOOD])
    assert.equal(task.process(0), 2)
    assert.deepEqual(values(task), [2, 2])
    const { writes, metadata } = task.effects()
    state.commit(writes, metadata)
    task.committed()
    assert.throws(() => task.process(0), { code: 'E_DESERIALIZATION' })
    const next = taskWith({ deserialization: 'skip' }, state)
    assert.equal(next.position('numbers'), 102)
  })

  it('an error that revlog threw keeps its code and gets coordinates', () => {
    const failing = topology('app', [
      sink(
        mapped('mine', source(numbers), () => {
          throw new RevlogError('E_MINE', 'my own', { remedy: 'mine too' })
        }),
        out,
      ),
    ])
    const task = createTask({
      part: failing.subTopologies.first()!,
      partition: 0,
      partitions: 1,
      state: createMemoryBackend(),
      wallTime: 0,
    })
    task.seek('numbers', 100)
    feed(task, [GOOD])
    assert.throws(() => task.process(0), { code: 'E_MINE', remedy: 'mine too', problem: 'my own' })
  })

  it('a failure downstream belongs to the operator that threw, and the other children still get the record', () => {
    const from = source(numbers)
    const passed = mapped('pass', from, (value) => value)
    const broken = mapped('broken', passed, () => {
      throw new Error('no')
    })
    const both = topology('app', [
      sink(broken, topic('never', { key: string(), value: int32() })),
      sink(passed, out),
    ])
    const task = createTask({
      part: both.subTopologies.first()!,
      partition: 0,
      partitions: 1,
      state: createMemoryBackend(),
      errors: { ...FAIL_ON_ERROR, processing: 'dead-letter', deadLetterTopic: 'dead' },
      wallTime: 0,
    })
    task.seek('numbers', 100)
    feed(task, [GOOD])
    task.process(0)
    assert.deepEqual(values(task), [1])
    assert.equal(headersOf(outputs(task, 'dead')[0]!.headers)['revlog-error-operator'], 'broken')
  })

  it('a sink that cannot write a value is a processing error of the sink', () => {
    const wrong = topology('app', [
      sink(
        mapped('text', source(numbers), () => 'no number'),
        out,
      ),
    ])
    const task = createTask({
      part: wrong.subTopologies.first()!,
      partition: 0,
      partitions: 1,
      state: createMemoryBackend(),
      errors: { ...FAIL_ON_ERROR, processing: 'skip' },
      wallTime: 0,
    })
    task.seek('numbers', 100)
    feed(task, [GOOD])
    assert.equal(task.process(0), 1)
    assert.deepEqual(values(task), [])
    assert.equal(dropped(task, 'processing-error'), 1)
  })

  it('a callback of a timer that throws has the operator, and no record', () => {
    const timed = processor('timed', [source(numbers)], ({ schedule }) => {
      schedule(1 as never, 'wall-clock-time', () => {
        throw new Error('late')
      })
      return { process: () => {} }
    })
    const task = createTask({
      part: topology('app', [{ node: timed }]).subTopologies.first()!,
      partition: 0,
      partitions: 1,
      state: createMemoryBackend(),
      wallTime: 0,
    })
    assert.throws(
      () => task.punctuate(5),
      (thrown) => {
        assert.ok(thrown instanceof RevlogError)
        assert.deepEqual(thrown.at, { task: '0_0', operator: 'timed' })
        return true
      },
    )
  })

  it('a tombstone keeps its own timestamp: the extractor is not asked', () => {
    const task = taskWith({})
    task.add(
      'numbers',
      [{ offset: 100, timestamp: 77, key: Buffer.from('k'), value: undefined, headers: NO_HEADERS }],
      101,
    )
    task.process(0)
    assert.equal(task.streamTime(), 77)
  })

  it('dead letters without a topic, or to a topic that is read, are refused', () => {
    assert.throws(() => taskWith({ processing: 'dead-letter' }), { code: 'E_DEAD_LETTER' })
    assert.throws(() => taskWith({ deadLetterTopic: 'numbers' }), { code: 'E_DEAD_LETTER' })
  })
})
