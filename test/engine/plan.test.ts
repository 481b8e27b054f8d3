import assert from 'node:assert/strict'
import { planTasks } from '../../lib/engine/plan.js'
import { string } from '../../lib/serdes/primitives.js'
import type { StreamNode } from '../../lib/topology/node.js'
import { topic } from '../../lib/topology/topic.js'
import { topology } from '../../lib/topology/topology.js'
import { counted, join, mapped, repartition, sink, source } from './nodes.js'

const text = { key: string(), value: string() }
const from = (name: string) => source(topic(name, text))
const out = topic('out', text)
const same = (name: string, parent: StreamNode) => mapped(name, parent, (value) => value)
const plan = (sinks: Parameters<typeof topology>[1], counts: { readonly [topic: string]: number }) =>
  planTasks(topology('app', sinks), (name) => counts[name] ?? assert.fail(`no count for ${name}`))
const ids = (sinks: Parameters<typeof topology>[1], counts: { readonly [topic: string]: number }) =>
  plan(sinks, counts).tasks.map(({ part, partition }) => `${part.id}_${partition}`)

describe('the cut into sub-topologies', () => {
  const parts = (sinks: Parameters<typeof topology>[1]) =>
    topology('app', sinks)
      .subTopologies.map((part) => ({
        reads: part.inputs.map((input) => input.topic.name),
        writes: part.outputs.map((output) => output.topic),
      }))
      .toArray()

  it('is at repartition topics', () => {
    assert.deepEqual(parts([sink(same('a', repartition(from('in'), 'by-user')), out)]), [
      { reads: ['in'], writes: ['app-by-user-repartition'] },
      { reads: ['app-by-user-repartition'], writes: ['out'] },
    ])
  })

  it('keeps apart what shares nothing, and together what reads one topic', () => {
    const other = topic('other', text)
    assert.equal(parts([sink(from('a'), out), sink(from('b'), other)]).length, 2)
    assert.deepEqual(parts([sink(from('a'), out), sink(from('a'), other)]), [
      { reads: ['a'], writes: ['out', 'other'] },
    ])
  })

  it('keeps together what shares a store', () => {
    const a = counted('n', from('a'))
    const b = { ...counted('m', from('b')), stores: a.stores }
    assert.equal(parts([sink(a, out), sink(b, topic('other', text))]).length, 1)
  })

  it('a repartition topic that comes back to its own part makes one task that reads both', () => {
    const left = from('in')
    assert.deepEqual(parts([sink(join('j', [left, repartition(same('s', left), 'again')]), out)]), [
      { reads: ['in', 'app-again-repartition'], writes: ['out', 'app-again-repartition'] },
    ])
  })
})

describe('the plan of tasks', () => {
  it('is one task for each sub-topology and partition', () => {
    assert.deepEqual(ids([sink(same('a', repartition(from('in'), 'r')), out)], { in: 2 }), [
      '0_0',
      '0_1',
      '1_0',
      '1_1',
    ])
  })

  it('a task of merged topics has the inputs that have its partition', () => {
    const { tasks } = plan(
      [
        sink(from('a'), out),
        sink(
          mapped('m', from('a'), (v) => v),
          out,
        ),
      ],
      { a: 2 },
    )
    assert.equal(tasks.length, 2)
    const merged = same('merge', from('a'))
    const both = { ...merged, parents: [from('a'), from('b')] }
    const planned = plan([sink(both, out)], { a: 1, b: 3 })
    assert.deepEqual(
      planned.tasks.map((task) => task.inputs.map((input) => input.topic.name)),
      [['a', 'b'], ['b'], ['b']],
    )
  })

  it('a repartition topic has the number it says, else that of the greatest topic above', () => {
    const merged = { ...same('merge', from('a')), parents: [from('a'), from('b')] }
    const counts = { a: 2, b: 5 }
    const count = (node: StreamNode) =>
      plan([sink(same('s', node), out)], counts).repartitionTopics.get('app-r-repartition')
    assert.equal(count(repartition(merged, 'r')), 5)
    assert.equal(count(repartition(merged, 'r', { partitions: 3 })), 3)
  })

  it('a repartition topic has the number of what it is joined with', () => {
    const counts = { few: 2, many: 6 }
    const down = plan([sink(join('j', [from('few'), repartition(from('many'), 'r')]), out)], counts)
    assert.equal(down.repartitionTopics.get('app-r-repartition'), 2)
    const up = plan([sink(join('j', [from('many'), repartition(from('few'), 'r')]), out)], counts)
    assert.equal(up.repartitionTopics.get('app-r-repartition'), 6)
    const both = plan(
      [sink(join('j', [repartition(from('few'), 'l'), repartition(from('many'), 'r')]), out)],
      counts,
    )
    assert.deepEqual([...both.repartitionTopics.values()], [6, 6])
    const said = plan(
      [
        sink(
          join('j', [repartition(from('few'), 'l', { partitions: 4 }), repartition(from('many'), 'r')]),
          out,
        ),
      ],
      counts,
    )
    assert.deepEqual([...said.repartitionTopics.values()], [4, 4])
  })

  it('three joined in two joins agree too', () => {
    const a = repartition(from('a'), 'ra')
    const b = repartition(from('b'), 'rb')
    const { repartitionTopics } = plan(
      [sink(join('j1', [a, b]), out), sink(join('j2', [b, from('c')]), topic('out-2', text))],
      { a: 2, b: 3, c: 4 },
    )
    assert.deepEqual([...repartitionTopics.values()], [4, 4])
  })

  it('sides with different numbers of partitions are refused, with operator and remedy', () => {
    assert.throws(
      () => plan([sink(join('both', [from('a'), from('b')]), out)], { a: 2, b: 3 }),
      (thrown: Error & { code?: string }) => {
        assert.equal(thrown.code, 'E_NOT_COPARTITIONED')
        assert.match(thrown.message, /a has 2, b has 3.*both[\s\S]*repartition/)
        return true
      },
    )
    assert.throws(
      () =>
        plan([sink(join('both', [from('a'), repartition(from('b'), 'r', { partitions: 4 })]), out)], {
          a: 2,
          b: 2,
        }),
      { code: 'E_NOT_COPARTITIONED' },
    )
  })

  it('a stream that is split and merged many times is planned at once', () => {
    let stream: StreamNode = from('in')
    for (let i = 0; i < 40; i++) {
      const left = same(`l${i}`, stream)
      const right = same(`r${i}`, stream)
      stream = { ...same(`m${i}`, left), parents: [left, right] }
    }
    assert.deepEqual(ids([sink(same('end', repartition(stream, 'r')), out)], { in: 1 }), ['0_0', '1_0'])
  })
})
