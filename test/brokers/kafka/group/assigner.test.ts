import assert from 'node:assert/strict'
import {
  type AssignableTask,
  assignTasks,
  type Candidate,
  type Placement,
} from '../../../../lib/brokers/kafka/group/assigner.js'
import { type TaskId, taskId } from '../../../../lib/brokers/kafka/group/member.js'

const { REVLOG_GROUP_SEEDS = '2000' } = process.env
const SEEDS = Number(REVLOG_GROUP_SEEDS)

type Placements = ReadonlyMap<string, Placement>

describe('the distribution of tasks', () => {
  it('gives each task to exactly one member, and its standbys to others', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks, replicas } = world(chance)
      const placed = assignTasks(members, tasks, replicas)
      const active = all(placed, 'active')
      assert.deepEqual([...active].sort(), tasks.map((t) => t.id).sort())
      for (const task of tasks) {
        const runs = holders(placed, 'active', task.id)
        const copies = holders(placed, 'standby', task.id)
        assert.equal(copies.length, task.stateful ? Math.min(replicas, members.length - 1) : 0)
        assert.equal(new Set([...runs, ...copies]).size, runs.length + copies.length)
      }
    }))

  it('is balanced by threads, tasks with state by themselves too', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks, replicas } = world(chance)
      const placed = assignTasks(members, tasks, replicas)
      balanced(members, placed, () => true)
      const stateful = new Set(tasks.filter((t) => t.stateful).map((t) => t.id))
      balanced(members, placed, (id) => stateful.has(id))
    }))

  it('spreads the standbys, so that no member has more than its share and one', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks } = world(chance, { equal: true })
      const placed = assignTasks(members, tasks, 1)
      const counts = members.map((m) => placed.get(m.id)!.standby.length)
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, `standbys ${counts}`)
    }))

  it('is the same whatever the order of members and tasks', () =>
    forSeeds(SEEDS / 4, (chance) => {
      const { members, tasks, replicas } = world(chance)
      assert.deepEqual(
        assignTasks(shuffled(members, chance), shuffled(tasks, chance), replicas),
        assignTasks(members, tasks, replicas),
      )
    }))

  it('moves nothing when nothing changes', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks, replicas } = world(chance)
      const first = assignTasks(members, tasks, replicas)
      assert.deepEqual(assignTasks(next(members, first), tasks, replicas), first)
    }))

  it('moves only the stateful tasks of a member that leaves', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks, replicas } = world(chance, { least: 2 })
      const first = assignTasks(members, tasks, replicas)
      const gone = pick(members, chance)
      const second = assignTasks(
        next(members, first).filter((m) => m.id !== gone.id),
        tasks,
        replicas,
      )
      for (const task of tasks.filter((t) => t.stateful)) {
        const [before] = holders(first, 'active', task.id)
        if (before !== gone.id) assert.deepEqual(holders(second, 'active', task.id), [before])
      }
    }))

  it('moves nothing but what a member that joins gets', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks, replicas } = world(chance, { kind: 'one' })
      const first = assignTasks(members, tasks, replicas)
      const newcomer = member('newcomer', 1 + chance(3), tasks)
      const second = assignTasks([...next(members, first), newcomer], tasks, replicas)
      for (const task of tasks) {
        const [after] = holders(second, 'active', task.id)
        if (after !== newcomer.id) assert.deepEqual(holders(first, 'active', task.id), [after])
      }
      balanced([...members, newcomer], second, () => true)
    }))

  it('makes the standby of a lost task its new active one wherever balance allows', () => {
    let lost = 0
    let warm = 0
    forSeeds(SEEDS, (chance) => {
      const { members, tasks } = world(chance, { least: 3, equal: true })
      const replicas = 1 + chance(2)
      const first = assignTasks(members, tasks, replicas)
      const gone = pick(members, chance)
      const rest = next(members, first).filter((m) => m.id !== gone.id)
      const second = assignTasks(rest, tasks, replicas)
      const orphans = tasks.filter((t) => t.stateful && holders(first, 'active', t.id)[0] === gone.id)
      const cold = orphans.filter((t) => {
        const [owner] = holders(second, 'active', t.id)
        return !first.get(owner!)!.standby.includes(t.id)
      })
      lost += orphans.length
      warm += orphans.length - cold.length
      // A cold one has standbys that could only take it by having more than the member that did.
      const load = (id: string) =>
        second.get(id)!.active.filter((t) => tasks.find((task) => task.id === t)!.stateful).length
      for (const task of cold) {
        const [owner] = holders(second, 'active', task.id)
        for (const standby of holders(first, 'standby', task.id)) {
          assert.ok(load(owner!) <= load(standby), `${task.id} could have gone to ${standby}`)
        }
      }
    })
    assert.ok(warm / lost > 0.75, `${warm} of ${lost} lost tasks found their state`)
  })

  it('brings a member that restarted back to the tasks whose state it has on disk', () => {
    const tasks = tasksOf([{ name: 'totals', partitions: 6, stateful: true }])
    const members = ['a', 'b', 'c'].map((id) => member(id, 1, tasks))
    const first = assignTasks(members, tasks, 0)
    const without = assignTasks(
      next(members, first).filter((m) => m.id !== 'b'),
      tasks,
      0,
    )
    const back = {
      ...member('b2', 1, tasks),
      warm: new Map(first.get('b')!.active.map((id) => [id, 10] as const)),
    }
    const again = assignTasks(
      [
        ...next(
          members.filter((m) => m.id !== 'b'),
          without,
        ),
        back,
      ],
      tasks,
      0,
    )
    assert.deepEqual(again.get('b2')!.active, first.get('b')!.active)
  })

  it('gives tasks of a part only to those that may run it, and leaves those that nobody may run', () =>
    forSeeds(SEEDS, (chance) => {
      const { members, tasks, replicas } = world(chance)
      const parts = [...new Set(tasks.map((t) => t.part))]
      const limited = members.map((m) => ({ ...m, parts: new Set(parts.filter(() => chance(3) > 0)) }))
      const placed = assignTasks(limited, tasks, replicas)
      for (const m of limited) {
        const got = [...placed.get(m.id)!.active, ...placed.get(m.id)!.standby]
        for (const id of got) assert.ok(m.parts.has(id.slice(0, id.lastIndexOf('_'))))
      }
      const possible = tasks.filter((t) => limited.some((m) => m.parts.has(t.part))).map((t) => t.id)
      assert.deepEqual([...all(placed, 'active')].sort(), possible.sort())
      assert.deepEqual(assignTasks(next(limited, placed), tasks, replicas), placed)
    }))

  it('distributes 2,000 tasks among 100 members in less than two seconds', () => {
    const tasks = tasksOf([
      { name: 'join', partitions: 1_000, stateful: true },
      { name: 'totals', partitions: 1_000, stateful: true },
    ])
    const members = Array.from({ length: 100 }, (_, i) => member(`m${i}`, 1, tasks))
    const first = assignTasks(members, tasks, 1)
    const before = process.cpuUsage()
    assignTasks(next(members, first).slice(1), tasks, 1)
    const { user } = process.cpuUsage(before)
    assert.ok(user < 2_000_000, `${user / 1_000} ms`)
  })
})

type Chance = (below: number) => number

function forSeeds(seeds: number, check: (chance: Chance) => void): void {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      check(chanceOf(seed))
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`
      throw error
    }
  }
}

/** mulberry32 */
function chanceOf(seed: number): Chance {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface World {
  readonly least?: number
  readonly equal?: boolean
  /** All tasks with state, or all without. */
  readonly kind?: 'one'
}

/** Members with random threads, among which some random tasks have been distributed in any way at all. */
function world(chance: Chance, { least = 1, equal = false, kind }: World = {}) {
  const allStateful = chance(2) === 0
  const parts = Array.from({ length: 1 + chance(4) }, (_, i) => ({
    name: `part-${i}`,
    partitions: 1 + chance(12),
    stateful: kind === 'one' ? allStateful : chance(3) > 0,
  }))
  const tasks = tasksOf(parts)
  const count = least + chance(6)
  const empty = Array.from({ length: count }, (_, i) => member(`m${i}`, equal ? 1 : 1 + chance(3), tasks))
  if (chance(2) === 0) return { members: empty, tasks, replicas: chance(3) }
  const active = empty.map(() => new Set<TaskId>())
  const warm = empty.map(() => new Map<TaskId, number>())
  for (const { id } of tasks) {
    if (chance(4) > 0) active[chance(count)]!.add(id)
    if (chance(3) === 0) warm[chance(count)]!.set(id, chance(2) === 0 ? Infinity : chance(1_000))
  }
  const members = empty.map((m, i) => ({ ...m, active: active[i]!, warm: warm[i]! }))
  return { members, tasks, replicas: chance(3) }
}

const tasksOf = (
  parts: readonly { readonly name: string; readonly partitions: number; readonly stateful: boolean }[],
): readonly AssignableTask[] =>
  parts.flatMap(({ name, partitions, stateful }) =>
    Array.from({ length: partitions }, (_, p) => ({ id: taskId(name, p), part: name, stateful })),
  )

const member = (id: string, threads: number, tasks: readonly AssignableTask[]): Candidate => ({
  id,
  threads,
  parts: new Set(tasks.map((t) => t.part)),
  active: new Set(),
  warm: new Map(),
})

/** The members as they are after a distribution: their standbys have caught up. */
const next = (members: readonly Candidate[], placed: Placements): readonly Candidate[] =>
  members.map((m) => ({
    ...m,
    active: new Set(placed.get(m.id)!.active),
    warm: new Map(placed.get(m.id)!.standby.map((id) => [id, 0])),
  }))

const all = (placed: Placements, kind: keyof Placement): readonly TaskId[] =>
  [...placed.values()].flatMap((p) => p[kind])

const holders = (placed: Placements, kind: keyof Placement, id: TaskId): readonly string[] =>
  [...placed].filter(([, p]) => p[kind].includes(id)).map(([member]) => member)

function balanced(members: readonly Candidate[], placed: Placements, counts: (id: TaskId) => boolean): void {
  const loads = members.map((m) => ({ ...m, load: placed.get(m.id)!.active.filter(counts).length }))
  for (const a of loads) {
    for (const b of loads) {
      assert.ok(a.load * b.threads <= (b.load + 1) * a.threads, `${a.id} has ${a.load}, ${b.id} ${b.load}`)
    }
  }
}

const pick = <T>(from: readonly T[], chance: Chance): T => from[chance(from.length)]!

const shuffled = <T>(values: readonly T[], chance: Chance): readonly T[] =>
  values
    .map((value) => ({ value, at: chance(1_000_000) }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
