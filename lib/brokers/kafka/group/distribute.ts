import { RevlogError } from '../../../core/errors.js'
import { type AssignableTask, assignTasks, type Candidate } from './assigner.js'
import { type Part, type TaskId, type TopicPartitions, taskId } from './member.js'
import type { Assignment, Subscription } from './membership-options.js'
import { type AssignmentData, decodeMember, encodeAssignmentData, type MemberData } from './user-data.js'
import { chooseVariants, variantOf } from './variants.js'

/**
 * What the leader does: reads what the members say, chooses the variant of each part, distributes the tasks, and
 * tells each member its own. Its own application is the right one; a member of another gets nothing, and is told.
 */
export function distributeTasks(
  members: readonly Subscription[],
  self: string,
): ReadonlyMap<string, Assignment> {
  const read = members.map((member) => ({ id: member.memberId, data: readable(member.userData) }))
  const leader = read.find((member) => member.id === self)?.data
  if (leader === undefined) throw new RevlogError('E_ASSIGNMENT', 'the leader is not among the members')
  const own = read.flatMap(({ id, data }) => (data?.application === leader.application ? [{ id, data }] : []))
  const parts = chooseVariants(own.map((member) => member.data))
  const tasks: readonly AssignableTask[] = parts.flatMap(({ name, partitions, stateful }) =>
    Array.from({ length: partitions }, (_, p) => ({ id: taskId(name, p), part: name, stateful })),
  )
  const placed = assignTasks(candidates(own, parts), tasks, leader.standbyReplicas)
  return new Map(
    read.map(({ id, data }) => {
      const place = placed.get(id)
      const verdict = data === undefined ? 'unreadable' : place === undefined ? 'foreign' : 'accepted'
      const told: AssignmentData = {
        verdict,
        application: leader.application,
        fingerprints: parts.map(({ name, fingerprint }) => ({ part: name, fingerprint })),
        active: place?.active ?? [],
        standby: place?.standby ?? [],
        waiting: place === undefined ? [] : waiting(data!, parts),
      }
      return [
        id,
        { partitions: partitionsOf(told.active, parts), userData: encodeAssignmentData(told) },
      ] as const
    }),
  )
}

function readable(userData: Buffer): MemberData | undefined {
  try {
    return decodeMember(userData)
  } catch {
    return undefined
  }
}

/** Of several members that say they run a task, the one whose assignment is the latest does; then the first by name. */
function candidates(
  members: readonly { readonly id: string; readonly data: MemberData }[],
  parts: readonly Part[],
): readonly Candidate[] {
  const owners = new Map<TaskId, { readonly id: string; readonly generation: number }>()
  for (const { id, data } of members) {
    const { generation, active } = data.previous
    for (const task of active) {
      const rival = owners.get(task)
      const better =
        rival === undefined ||
        generation > rival.generation ||
        (generation === rival.generation && id < rival.id)
      if (better) owners.set(task, { id, generation })
    }
  }
  return members.map(({ id, data }) => {
    const known = new Set(data.parts.map(variantOf))
    const { active, standby } = data.previous
    const lost = active.filter((task) => owners.get(task)?.id !== id)
    return {
      id,
      threads: data.threads,
      parts: new Set(parts.filter((part) => known.has(variantOf(part))).map((part) => part.name)),
      active: new Set(active.filter((task) => owners.get(task)?.id === id)),
      warm: new Map([
        ...[...lost, ...standby].map((task) => [task, Number.POSITIVE_INFINITY] as const),
        ...data.warm.map(({ task, lag }) => [task, lag ?? Number.POSITIVE_INFINITY] as const),
      ]),
    }
  })
}

function waiting(data: MemberData, parts: readonly Part[]): readonly string[] {
  const chosen = new Map(parts.map((part) => [part.name, variantOf(part)]))
  return data.parts.filter((part) => chosen.get(part.name) !== variantOf(part)).map((part) => part.name)
}

/** The inputs of the tasks, for Kafka's tools. */
function partitionsOf(active: readonly TaskId[], parts: readonly Part[]): readonly TopicPartitions[] {
  const mine = new Set(active)
  const topics = new Map<string, Set<number>>()
  for (const { name, partitions, inputs } of parts) {
    for (let p = 0; p < partitions; p++) {
      if (!mine.has(taskId(name, p))) continue
      for (const input of inputs) {
        if (p < input.partitions) topics.set(input.topic, (topics.get(input.topic) ?? new Set()).add(p))
      }
    }
  }
  return [...topics].map(([topic, found]) => ({ topic, partitions: [...found].sort((a, b) => a - b) }))
}
