import { type AssignableTask, type Candidate, compare } from './assigner.js'
import type { TaskId } from './member.js'

interface Need {
  readonly task: AssignableTask
  /** Who may have a copy: all that may run it but the one that does. */
  readonly others: readonly Candidate[]
  readonly copies: number
}

/**
 * Places copies of the state of each stateful task on `replicas` members other than the one that runs it, or on as
 * many as there are. Who has the state already keeps it, those least behind first. The others go to the member that
 * has the fewest copies of what the same member runs, so that the tasks of a member that is lost find their state
 * spread over all others, then to the one with the fewest copies at all. In the end copies move, one by one, from
 * a member to another that would have less with it: what is balanced already is left alone.
 */
export function placeStandbys(
  members: readonly Candidate[],
  tasks: readonly AssignableTask[],
  actives: ReadonlyMap<string, readonly AssignableTask[]>,
  replicas: number,
): ReadonlyMap<string, ReadonlySet<TaskId>> {
  const standbys = new Map(members.map((m) => [m.id, new Set<TaskId>()]))
  if (replicas <= 0) return standbys
  const owner = new Map<TaskId, string>()
  for (const [id, mine] of actives) for (const task of mine) owner.set(task.id, id)
  const needs: readonly Need[] = tasks
    .filter((task) => task.stateful && owner.has(task.id))
    .map((task) => ({
      task,
      others: members.filter((m) => m.parts.has(task.part) && m.id !== owner.get(task.id)),
    }))
    .map((need) => ({ ...need, copies: Math.min(replicas, need.others.length) }))
  const held = (m: Candidate): Set<TaskId> => standbys.get(m.id)!
  // How many copies a member has of what another one runs.
  const pairs = new Map<string, number>()
  const pair = (m: Candidate, { task }: Need): string => `${m.id}\n${owner.get(task.id)}`
  const shared = (m: Candidate, need: Need): number => (pairs.get(pair(m, need)) ?? 0) / m.threads
  const count = (m: Candidate, need: Need, by: 1 | -1): void => {
    pairs.set(pair(m, need), (pairs.get(pair(m, need)) ?? 0) + by)
    if (by === 1) held(m).add(need.task.id)
    else held(m).delete(need.task.id)
  }
  const missing = ({ task, others, copies }: Need): number =>
    copies - others.filter((m) => held(m).has(task.id)).length

  for (const need of needs) {
    const warm = need.others
      .filter((m) => m.warm.has(need.task.id) || m.active.has(need.task.id))
      .sort((a, b) => lag(a, need.task.id) - lag(b, need.task.id) || compare(a.id, b.id))
    for (const m of warm.slice(0, need.copies)) count(m, need, 1)
  }
  for (const need of needs) {
    while (missing(need) > 0) {
      const free = need.others.filter((m) => !held(m).has(need.task.id))
      const load = (m: Candidate): number => held(m).size / m.threads
      const best = free.reduce((a, b) =>
        (shared(b, need) - shared(a, need) || load(b) - load(a)) < 0 ? b : a,
      )
      count(best, need, 1)
    }
  }

  /** One copy from the first member that has too much to who would have least with it. */
  const move = (need: Need): boolean => {
    for (const from of need.others.filter((m) => held(m).has(need.task.id))) {
      const lighter = need.others.filter(
        (m) => !held(m).has(need.task.id) && held(from).size * m.threads > (held(m).size + 1) * from.threads,
      )
      if (lighter.length === 0) continue
      const to = lighter.reduce((a, b) =>
        (held(b).size + 1) * a.threads < (held(a).size + 1) * b.threads ? b : a,
      )
      count(from, need, -1)
      count(to, need, 1)
      return true
    }
    return false
  }
  // Each move makes the sum of squares of the loads smaller, so that it ends.
  for (let moved = true; moved; ) {
    moved = false
    for (const need of needs) if (move(need)) moved = true
  }
  return standbys
}

/** A member that ran the task until now has all of its state. */
const lag = (m: Candidate, task: TaskId): number =>
  m.active.has(task) ? 0 : Math.min(m.warm.get(task) ?? Number.MAX_VALUE, Number.MAX_VALUE)
