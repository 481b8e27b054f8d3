import { RevlogError } from '../../../core/errors.js'
import { type Member, type MemberEvents, type TaskAssignment, taskId } from './member.js'
import { commitOffsets, fetchOffsets } from './offsets.js'
import type { TaskGroupOptions } from './task-group.js'

export interface FixedOptions
  extends MemberEvents<TaskAssignment>,
    Pick<TaskGroupOptions, 'coordinator' | 'parts' | 'standbyReplicas'> {
  /** From 0 to `count - 1`; each process has another. */
  readonly index: number
  /** Equal in all processes. */
  readonly count: number
}

/** The only one: nothing is ever distributed anew, except by `rejoin`. */
const GENERATION = 0

/**
 * A place that is fixed beforehand, without a group that rebalances: member `i` of `n` runs the partitions `i`,
 * `i + n`, `i + 2n` … of every part, and standbys of the members before it. A part with fewer partitions than there
 * are members leaves the last ones without a task of it. What a lost member ran waits until that member is back.
 *
 * Nothing keeps two processes from taking the same place: the coordinator takes offsets of a group without members
 * from anyone. What fences them is below: the gap fence and the epochs of the changelog at least once, the
 * transactional ids exactly once. While the group has members that joined it, commits are refused, and the place is
 * given up with `E_GROUP_FOREIGN_MEMBER`.
 *
 * @throws RevlogError `E_PLACE` when `index` and `count` are not those of a place.
 */
export function joinFixed(options: FixedOptions): Member {
  const { coordinator, index, count, standbyReplicas = 0 } = options
  if (!Number.isInteger(count) || !Number.isInteger(index) || count < 1 || index < 0 || index >= count) {
    throw new RevlogError('E_PLACE', `there is no member ${index} of ${count}`, {
      remedy: 'number the members from 0: the first of three is member 0 of 3',
    })
  }
  const { group } = coordinator
  const stats = { rebalances: 0, losses: 0, lastRebalanceMs: 0, heartbeatLateMs: 0 }
  let current: number | undefined
  let ended = false

  const place = (): TaskAssignment => {
    const tasks = options.parts().flatMap(({ name, partitions, stateful }) =>
      Array.from({ length: partitions }, (_, p) => ({
        id: taskId(name, p),
        stateful,
        distance: (((index - p) % count) + count) % count,
      })),
    )
    return {
      active: tasks.filter(({ distance }) => distance === 0).map(({ id }) => id),
      standby: tasks
        .filter(({ distance, stateful }) => stateful && distance > 0 && distance <= standbyReplicas)
        .map(({ id }) => id),
      waiting: [],
    }
  }

  const assign = (): void => {
    if (ended) return
    current = GENERATION
    stats.rebalances++
    options.onAssigned(place(), GENERATION)
  }

  const lose = (): void => {
    if (ended) return
    ended = true
    current = undefined
    stats.losses++
    const problem = new RevlogError('E_GROUP_FOREIGN_MEMBER', `group ${group} has members that joined it`, {
      remedy: 'start all processes of the application with a fixed place, or none; or use another group',
    })
    options.onLost(problem.problem)
    options.onError(problem)
  }

  // As with a group, nothing happens before the caller has what this returns.
  queueMicrotask(assign)

  return {
    generation: () => current,
    memberId: () => '',
    commit: (offsets, generation) =>
      commitOffsets(
        coordinator,
        () =>
          current === generation ? { group, memberId: '', instanceId: undefined, generation: -1 } : undefined,
        offsets,
        10_000,
        lose,
      ),
    committed: (partitions) => fetchOffsets(coordinator, partitions),
    stillMember: async (generation) => current === generation,
    rejoin() {
      if (current === undefined) return
      void options
        .onRevoke()
        .catch(() => undefined)
        .then(assign)
    },
    stats: () => ({ ...stats }),
    async leave() {
      ended = true
      current = undefined
      coordinator.close()
    },
  }
}
