import type { TaskId } from './member.js'
import { shares } from './shares.js'
import { placeStandbys } from './standbys.js'

/** A member before the distribution. */
export interface Candidate {
  readonly id: string
  /** Its share is in proportion to it; an integer of at least 1. */
  readonly threads: number
  /** The parts of which it may get tasks. */
  readonly parts: ReadonlySet<string>
  /** What it runs, or ran last. Each task is on at most one member. */
  readonly active: ReadonlySet<TaskId>
  /** Whose state it has without running it, and how many records that is behind; `Infinity` when unknown. */
  readonly warm: ReadonlyMap<TaskId, number>
}

export interface AssignableTask {
  readonly id: TaskId
  readonly part: string
  readonly stateful: boolean
}

export interface Placement {
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
}

/**
 * Distributes tasks among members. The same input gives the same output, in whatever order members come.
 *
 * 1. Tasks with state, then those without, so that both are balanced: by threads, no member has so much that another
 *    would have less with one task more. Members with equal threads differ by at most one.
 * 2. Within that, as many tasks as can stay where they are. When a member leaves, only its stateful tasks move;
 *    when one joins, only what it gets. (A task without state may move for the balance of the whole: it leaves
 *    nothing behind.)
 * 3. A stateful task that must move goes to a member that has its state, the least behind first, as far as that
 *    member's share allows; otherwise to where its part has the fewest tasks.
 * 4. Standbys as `standbys.ts` says.
 *
 * Not every member may run every part (two versions in one group): then the parts with the fewest possible members
 * come first, and balance is what these allow. A task that nobody may run is not in the result.
 */
export function assignTasks(
  members: readonly Candidate[],
  tasks: readonly AssignableTask[],
  standbyReplicas: number,
): ReadonlyMap<string, Placement> {
  const candidates = [...members].sort(byId)
  const ordered = [...tasks].sort((a, b) => compare(a.part, b.part) || compareIds(a.id, b.id))
  const actives = new Map(candidates.map((m) => [m.id, [] as AssignableTask[]]))
  for (const stateful of [true, false]) {
    const kind = ordered.filter((task) => task.stateful === stateful)
    for (const { eligible, tasks } of classes(candidates, kind)) distribute(eligible, tasks, actives)
  }
  const standbys = placeStandbys(candidates, ordered, actives, standbyReplicas)
  return new Map(
    candidates.map(({ id }) => [
      id,
      {
        active: actives
          .get(id)!
          .map((task) => task.id)
          .sort(compareIds),
        standby: [...standbys.get(id)!].sort(compareIds),
      },
    ]),
  )
}

interface TaskClass {
  readonly eligible: readonly Candidate[]
  readonly tasks: readonly AssignableTask[]
}

/** Tasks that the same members may run, those with the fewest members first. */
function classes(members: readonly Candidate[], tasks: readonly AssignableTask[]): readonly TaskClass[] {
  const found = new Map<string, { eligible: readonly Candidate[]; tasks: AssignableTask[] }>()
  for (const task of tasks) {
    const eligible = members.filter((m) => m.parts.has(task.part))
    if (eligible.length === 0) continue
    const key = eligible.map((m) => m.id).join('\n')
    const known = found.get(key)
    if (known === undefined) found.set(key, { eligible, tasks: [task] })
    else known.tasks.push(task)
  }
  return [...found.entries()]
    .sort(([a, x], [b, y]) => x.eligible.length - y.eligible.length || compare(a, b))
    .map(([, group]) => group)
}

/** Adds the tasks to what the members have. */
function distribute(
  eligible: readonly Candidate[],
  tasks: readonly AssignableTask[],
  actives: ReadonlyMap<string, AssignableTask[]>,
): void {
  const owner = new Map<TaskId, Candidate>()
  for (const member of eligible) for (const id of member.active) owner.set(id, member)
  const kept = new Map(eligible.map((m) => [m.id, [] as AssignableTask[]]))
  for (const task of tasks) kept.get(owner.get(task.id)?.id ?? '')?.push(task)
  const orphans = tasks.filter((task) => !owner.has(task.id))

  const share = shares(
    eligible.map((m) => ({
      threads: m.threads,
      before: actives.get(m.id)!.length,
      wants: kept.get(m.id)!.length,
      warm: orphans.filter((task) => m.warm.has(task.id)).length,
      rest: m.active.size - kept.get(m.id)!.length,
    })),
    tasks.length,
  )
  const room = new Map<string, number>()
  const have = new Map(eligible.map((m, i) => [m.id, actives.get(m.id)!.length + share[i]!]))
  eligible.forEach((member, i) => {
    const mine = kept.get(member.id)!
    const released = release(mine, mine.length - share[i]!, member, eligible)
    orphans.push(...released)
    const stays = mine.filter((task) => !released.includes(task))
    actives.get(member.id)!.push(...stays)
    room.set(member.id, share[i]! - stays.length)
  })
  orphans.sort((a, b) => compare(a.part, b.part) || compareIds(a.id, b.id))
  placeWarm(orphans, eligible, room, actives)
  exchangeRoom(orphans, eligible, room, have, actives)
  placeCold(orphans, eligible, room, actives)
}

/** Which tasks to give away: first those that somebody else has state of, then of the part with the most tasks here. */
function release(
  mine: readonly AssignableTask[],
  count: number,
  owner: Candidate,
  eligible: readonly Candidate[],
): readonly AssignableTask[] {
  const left = [...mine]
  const released: AssignableTask[] = []
  const warmElsewhere = new Set(
    mine.filter((task) => eligible.some((m) => m !== owner && m.warm.has(task.id))).map((task) => task.id),
  )
  while (released.length < count) {
    const ofPart = countBy(left)
    const worst = left.reduce((a, b) => {
      const byWarmth = Number(warmElsewhere.has(b.id)) - Number(warmElsewhere.has(a.id))
      const byPart = ofPart.get(b.part)! - ofPart.get(a.part)!
      return (byWarmth || byPart || compareIds(b.id, a.id)) > 0 ? b : a
    })
    released.push(worst)
    left.splice(left.indexOf(worst), 1)
  }
  return released
}

/**
 * Gives orphans to members that have their state. A task whose members are all full makes another one move on to a
 * further member of its own (augmenting paths), so that as many as possible find warm state.
 */
function placeWarm(
  orphans: AssignableTask[],
  eligible: readonly Candidate[],
  room: Map<string, number>,
  actives: ReadonlyMap<string, AssignableTask[]>,
): void {
  const wanted = new Map(
    orphans.map((task) => [
      task,
      eligible
        .filter((m) => m.warm.has(task.id))
        .sort((a, b) => order(a.warm.get(task.id)!, b.warm.get(task.id)!) || byId(a, b)),
    ]),
  )
  const taken = new Map<string, AssignableTask[]>(eligible.map((m) => [m.id, []]))
  const place = (task: AssignableTask, tried: Set<string>): boolean => {
    for (const { id } of wanted.get(task)!) {
      if (tried.has(id)) continue
      tried.add(id)
      const here = taken.get(id)!
      const displaced =
        here.length < room.get(id)! ? undefined : (here.find((other) => place(other, tried)) ?? 'none')
      if (displaced === 'none') continue
      if (displaced !== undefined) here.splice(here.indexOf(displaced), 1)
      here.push(task)
      return true
    }
    return false
  }
  for (const task of orphans) place(task, new Set())
  for (const [id, found] of taken) {
    actives.get(id)!.push(...found)
    room.set(id, room.get(id)! - found.length)
    for (const task of found) orphans.splice(orphans.indexOf(task), 1)
  }
}

/** Where two shares could as well be the other way round, room goes to the one that has the state of an orphan. */
function exchangeRoom(
  orphans: AssignableTask[],
  eligible: readonly Candidate[],
  room: Map<string, number>,
  have: Map<string, number>,
  actives: ReadonlyMap<string, AssignableTask[]>,
): void {
  for (const task of [...orphans]) {
    for (const to of eligible.filter((m) => m.warm.has(task.id))) {
      const from = eligible.find(
        (m) =>
          m !== to &&
          room.get(m.id)! > 0 &&
          have.get(m.id)! * to.threads === (have.get(to.id)! + 1) * m.threads,
      )
      if (from === undefined) continue
      have.set(from.id, have.get(from.id)! - 1)
      room.set(from.id, room.get(from.id)! - 1)
      have.set(to.id, have.get(to.id)! + 1)
      actives.get(to.id)!.push(task)
      orphans.splice(orphans.indexOf(task), 1)
      break
    }
  }
}

/** The rest goes to where its part has the fewest tasks, then to where there is most room. */
function placeCold(
  orphans: readonly AssignableTask[],
  eligible: readonly Candidate[],
  room: Map<string, number>,
  actives: ReadonlyMap<string, AssignableTask[]>,
): void {
  const ofPart = new Map(eligible.map((m) => [m.id, countBy(actives.get(m.id)!)]))
  for (const task of orphans) {
    const crowd = (m: Candidate): number => (ofPart.get(m.id)!.get(task.part) ?? 0) / m.threads
    const best = eligible
      .filter((m) => room.get(m.id)! > 0)
      .reduce((a, b) => ((crowd(b) - crowd(a) || room.get(a.id)! - room.get(b.id)!) < 0 ? b : a))
    actives.get(best.id)!.push(task)
    room.set(best.id, room.get(best.id)! - 1)
    const parts = ofPart.get(best.id)!
    parts.set(task.part, (parts.get(task.part) ?? 0) + 1)
  }
}

function countBy(tasks: readonly AssignableTask[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { part } of tasks) counts.set(part, (counts.get(part) ?? 0) + 1)
  return counts
}

/** By code units, not by the locale: every member must come to the same order. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const order = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)
const byId = (a: Candidate, b: Candidate): number => compare(a.id, b.id)

/** `orders_2` before `orders_10`. */
export const compareIds = (a: TaskId, b: TaskId): number =>
  compare(a.slice(0, a.lastIndexOf('_')), b.slice(0, b.lastIndexOf('_'))) ||
  Number(a.slice(a.lastIndexOf('_') + 1)) - Number(b.slice(b.lastIndexOf('_') + 1))
