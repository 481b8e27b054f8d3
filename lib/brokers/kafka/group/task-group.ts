import { hostname } from 'node:os'
import { RevlogError } from '../../../core/errors.js'
import { distributeTasks } from './distribute.js'
import type { Member, MemberEvents, Part, TaskAssignment, TaskId, WarmTask } from './member.js'
import { joinGroup } from './membership.js'
import type { MembershipOptions } from './membership-options.js'
import { decodeAssignmentData, encodeMember } from './user-data.js'

export interface TaskGroupOptions
  extends MemberEvents<TaskAssignment>,
    Pick<
      MembershipOptions,
      | 'coordinator'
      | 'sessionTimeoutMs'
      | 'rebalanceTimeoutMs'
      | 'heartbeatIntervalMs'
      | 'revokeTimeoutMs'
      | 'instanceId'
    > {
  /** Members of another application in the same group are refused with `E_GROUP_FOREIGN_MEMBER`. */
  readonly application: string
  /** Asked at every join. After a change call `rejoin`. */
  readonly parts: () => readonly Part[]
  /** Its share of the tasks is in proportion to it. 1 when absent. */
  readonly threads?: number
  /** Copies of each task's state on other members. 0 when absent; the leader's number counts. */
  readonly standbyReplicas?: number
  /** State on disk of tasks that do not run here; those that do are known. Asked at every join. */
  readonly warm?: () => readonly WarmTask[]
  /** For people who look at the group. The host's name and the process when absent. */
  readonly host?: string
}

/**
 * Members with this name understand each other's user data; the coordinator refuses to mix them with others. A change
 * that older members cannot read needs another name, and such a group a stop of all its members.
 */
const PROTOCOL = 'revlog-1'

/**
 * Takes part in a consumer group that distributes tasks: the members keep their state, co-partitioned inputs stay
 * together, and what moves is as little as balance allows.
 *
 * @example
 * const member = joinTaskGroup({
 *   coordinator: client.coordinator('consultants'), application: 'consultants', parts: () => parts,
 *   onAssigned: ({ active }, generation) => host.run(active, generation),
 *   onRevoke: () => host.pauseAndCommit(),
 *   onLost: () => host.dropAll(),
 *   onError: (error) => host.stop(error),
 * })
 */
export function joinTaskGroup(options: TaskGroupOptions): Member {
  const { application, threads = 1, standbyReplicas = 0, warm = () => [] } = options
  const host = options.host ?? `${hostname()}/${process.pid}`
  let previous: { generation: number; active: readonly TaskId[]; standby: readonly TaskId[] } = {
    generation: -1,
    active: [],
    standby: [],
  }
  let asked = 0

  const member = joinGroup({
    ...options,
    topics: () =>
      [...new Set(options.parts().flatMap((part) => part.inputs.map((input) => input.topic)))].sort(),
    protocol: {
      name: PROTOCOL,
      userData: () =>
        encodeMember({
          application,
          host,
          threads,
          standbyReplicas,
          asked,
          parts: options.parts(),
          previous,
          warm: warm(),
        }),
    },
    assign: distributeTasks,
    onAssigned({ userData }, generation) {
      // A leader that cannot distribute answers with nothing, and leaves.
      if (userData.length === 0)
        return options.onAssigned({ active: [], standby: [], waiting: [] }, generation)
      const told = decodeAssignmentData(userData)
      if (told.verdict !== 'accepted') throw foreign(options.coordinator.group, told.application)
      const own = new Map(options.parts().map((part) => [part.name, part.fingerprint]))
      const runnable = (task: TaskId): boolean => {
        const part = task.slice(0, task.lastIndexOf('_'))
        const given = told.fingerprints.find((f) => f.part === part)
        return given !== undefined && own.get(part) === given.fingerprint
      }
      const active = told.active.filter(runnable)
      const standby = told.standby.filter(runnable)
      previous = { generation, active, standby }
      options.onAssigned({ active, standby, waiting: told.waiting }, generation)
      // A static member that comes back as another version gets what the former one had.
      if (active.length < told.active.length || standby.length < told.standby.length) rejoin()
    },
  })
  const rejoin = (): void => {
    asked++
    member.rejoin()
  }
  return { ...member, rejoin }
}

const foreign = (groupId: string, application: string): RevlogError =>
  new RevlogError(
    'E_GROUP_FOREIGN_MEMBER',
    `group ${groupId} is used by application ${application}, of which this is no member`,
    { remedy: 'give each application a group of its own' },
  )
