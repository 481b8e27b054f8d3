import assert from 'node:assert/strict'
import { distributeTasks } from '../../../../lib/brokers/kafka/group/distribute.js'
import type { Part, TaskId } from '../../../../lib/brokers/kafka/group/member.js'
import {
  type AssignmentData,
  decodeAssignmentData,
  encodeMember,
  type MemberData,
} from '../../../../lib/brokers/kafka/group/user-data.js'

const join = part('join', '1', ['moods', 'recommendations'])
const totals = part('totals', '1', ['advice'])

describe('the leader of a group', () => {
  it('keeps the partitions of a task together, and says them in the assignment', () => {
    const { partitions, told } = lead({ a: says([join, totals]), b: says([join, totals]) })
    for (const id of ['a', 'b']) {
      const numbers = (name: string) =>
        told(id)
          .active.filter((task) => task.startsWith(name))
          .map((task) => Number(task.split('_')[1]))
      assert.deepEqual(partitions(id), {
        moods: numbers('join'),
        recommendations: numbers('join'),
        advice: numbers('totals'),
      })
    }
    assert.equal(told('a').active.length, 4)
  })

  it('gives a task no partition of an input that has fewer', () => {
    const narrow = { ...join, inputs: [...join.inputs, { topic: 'narrow', partitions: 1 }] }
    const { partitions } = lead({ a: says([narrow]) })
    assert.deepEqual(partitions('a'), {
      moods: [0, 1, 2, 3],
      recommendations: [0, 1, 2, 3],
      narrow: [0],
    })
  })

  it('lets the version that runs go on, whichever has more members, and the other wait', () => {
    const newer = part('join', '2', ['moods', 'recommendations'])
    const running = says([join], { generation: 3, active: ['join_0', 'join_1', 'join_2', 'join_3'] })
    const { told } = lead({ a: says([newer]), b: running, c: says([newer]) })
    assert.deepEqual(
      ['a', 'b', 'c'].map((id) => told(id).active.length),
      [0, 4, 0],
    )
    assert.deepEqual(told('a').waiting, ['join'])
    assert.deepEqual(told('b').waiting, [])
    assert.deepEqual(lead({ a: says([newer]), c: says([newer]) }).told('c').waiting, [])
  })

  it('takes what most know when neither runs, and a part that is unchanged from both', () => {
    const newer = part('join', '2', ['moods', 'recommendations'])
    const { told } = lead({ a: says([join, totals]), b: says([newer, totals]), c: says([newer, totals]) })
    assert.deepEqual(told('a').waiting, ['join'])
    assert.ok(told('a').active.length > 0)
    assert.ok(told('a').active.every((task) => task.startsWith('totals_')))
  })

  it('holds a changed number of partitions for another version', () => {
    const wider = { ...join, partitions: 8, inputs: join.inputs.map((i) => ({ ...i, partitions: 8 })) }
    const { told } = lead({ a: says([join], { generation: 1, active: ['join_0'] }), b: says([wider]) })
    assert.deepEqual(told('b').waiting, ['join'])
    assert.equal(told('a').active.length, 4)
  })

  it('believes the later of two that say they run a task', () => {
    const stale = says([join], { generation: 4, active: ['join_0', 'join_1'] })
    const right = says([join], { generation: 6, active: ['join_0', 'join_2'] })
    const { told } = lead({ a: stale, b: right })
    assert.deepEqual(told('a').active, ['join_1', 'join_3'])
    assert.deepEqual(told('b').active, ['join_0', 'join_2'])
  })

  it('gives nothing to another application, nor to what it cannot read, and says so', () => {
    const { told } = lead({
      a: says([join]),
      b: { ...says([join]), application: 'another' },
      c: Buffer.from('not ours'),
    })
    assert.deepEqual([told('b').verdict, told('b').active], ['foreign', []])
    assert.deepEqual([told('c').verdict, told('c').active], ['unreadable', []])
    assert.equal(told('b').application, 'consultants')
    assert.equal(told('a').active.length, 4)
  })
})

function part(name: string, fingerprint: string, topics: readonly string[]): Part {
  const inputs = topics.map((topic) => ({ topic, partitions: 4 }))
  return { name, fingerprint, partitions: 4, inputs, stateful: true }
}

const says = (
  parts: readonly Part[],
  previous: { readonly generation: number; readonly active: readonly TaskId[] } = {
    generation: -1,
    active: [],
  },
): MemberData => ({
  application: 'consultants',
  host: 'host',
  threads: 1,
  standbyReplicas: 0,
  asked: 0,
  parts,
  previous: { ...previous, standby: [] },
  warm: [],
})

/** `a` leads. */
function lead(members: { readonly [id: string]: MemberData | Buffer }) {
  const placed = distributeTasks(
    Object.entries(members).map(([memberId, data]) => ({
      memberId,
      instanceId: undefined,
      topics: [],
      userData: Buffer.isBuffer(data) ? data : encodeMember(data),
    })),
    'a',
  )
  return {
    told: (id: string): AssignmentData => decodeAssignmentData(placed.get(id)!.userData),
    partitions: (id: string) =>
      Object.fromEntries(placed.get(id)!.partitions.map((p) => [p.topic, p.partitions])),
  }
}
