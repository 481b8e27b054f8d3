import type { RevlogError } from '../../../core/errors.js'
import type { OffsetToCommit } from '../kafka-client.js'

/**
 * What the service needs to know of the tasks that it may run, and what it is told about them. The members of a
 * consumer group (`joinTaskGroup`) and those with a fixed place (`joinFixed`) stand behind it alike.
 *
 * A task is named `<part>_<partition>`. The name of its part (its sub-topology) is stable between versions of a
 * program, a number is not.
 */
export type TaskId = string

export const taskId = (part: string, partition: number): TaskId => `${part}_${partition}`

/** A sub-topology as the group sees it. */
export interface Part {
  readonly name: string
  /**
   * Equal on members that may take tasks of this part from one another. Members of two versions are in the group
   * during a rolling deployment; only those with the fingerprint in use get tasks of the part.
   */
  readonly fingerprint: string
  /** How many tasks it has. */
  readonly partitions: number
  /** The topics it reads; a task has the partition of its own number of each that has it. */
  readonly inputs: readonly { readonly topic: string; readonly partitions: number }[]
  /** Only tasks with state have standbys. */
  readonly stateful: boolean
}

/** State that a member has on its disk without running the task: a standby, or what an earlier run has left. */
export interface WarmTask {
  readonly task: TaskId
  /** How many changelog records it is behind, when that is known. */
  readonly lag?: number
}

export interface TaskAssignment {
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
  /**
   * Parts of this member of which it gets no task as long as the group runs them with another fingerprint.
   * Its tasks come with a later assignment, when the last member of the other version has gone.
   */
  readonly waiting: readonly string[]
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface CommittedOffset {
  readonly offset: number
  readonly metadata: string
}

/** What the coordinator keeps, by topic and partition; `undefined` where nothing, or nothing sensible, is kept. */
export type CommittedOffsets = (topic: string, partition: number) => CommittedOffset | undefined

/** What a membership tells its host. None of these may throw. */
export interface MemberEvents<A> {
  /**
   * The whole assignment, not a difference. Called synchronously, before anything can be committed in this
   * generation. A task that was there before, with no `onLost` between, was nobody else's in the meantime.
   */
  readonly onAssigned: (assignment: A, generation: number) => void
  /**
   * The group wants to distribute its tasks anew. Stop processing and commit; commits of the old generation are
   * accepted until this resolves (or its time is over, which `onWarning` says). What stays is in the next
   * `onAssigned`.
   */
  readonly onRevoke: () => Promise<void>
  /**
   * The group has gone on without us, or may have: every task is to be dropped at once, without a commit. The
   * membership joins again by itself, unless it was told to leave.
   */
  readonly onLost: (reason: string) => void
  /** It has stopped for good, after `onLost` if there was an assignment. */
  readonly onError: (error: RevlogError) => void
  /** `E_HEARTBEAT_LATE`, `E_REVOKE_TIMEOUT`, `E_REBALANCE_STORM`, `E_GROUP_UNREACHABLE`: it goes on. */
  readonly onWarning?: (warning: RevlogError) => void
}

/** Counted since it began. */
export interface MemberStats {
  readonly rebalances: number
  readonly losses: number
  /** From the moment of noticing to the new assignment; 0 before the first. */
  readonly lastRebalanceMs: number
  /** The greatest delay of the own heartbeat timer: how long the event loop was blocked. */
  readonly heartbeatLateMs: number
}

export interface Member {
  /** Of the assignment in force; `undefined` while there is none. */
  readonly generation: () => number | undefined
  /** As the coordinator calls it; empty before the first join and for a fixed place. */
  readonly memberId: () => string
  /**
   * Commits for an assignment that is still in force; a generation that has passed is refused here already.
   *
   * @throws RevlogError `E_TASK_MIGRATED` when the tasks may be somebody else's: drop them, nothing was committed.
   *   `E_COMMIT_UNCONFIRMED` when no answer came, or a rebalance has begun: it may have been committed, try again.
   *   `E_AUTHORIZATION`, `E_TOPIC_UNKNOWN`, `E_COMMIT_REFUSED` when trying again will not help.
   */
  readonly commit: (offsets: readonly OffsetToCommit[], generation: number) => Promise<void>
  /**
   * Asks the coordinator, and again while it is loading or moving, or a transaction with such offsets is still open.
   *
   * @throws RevlogError `E_GROUP_UNREACHABLE` when there was no answer within a minute, `E_AUTHORIZATION`.
   */
  readonly committed: (partitions: readonly TopicPartitions[]) => Promise<CommittedOffsets>
  /** Asks whether this member still belongs to the group in this generation: after a failed transaction, say. */
  readonly stillMember: (generation: number) => Promise<boolean>
  /** Asks the group for a new distribution: what there is to distribute has changed. */
  readonly rejoin: () => void
  readonly stats: () => MemberStats
  /** Resolves when the group knows, or after `timeoutMs` (3,000); then there is no assignment and no event any more. */
  readonly leave: (timeoutMs?: number) => Promise<void>
}
