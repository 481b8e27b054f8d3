import type { Coordinator } from './coordinator.js'
import type { MemberEvents, TopicPartitions } from './member.js'

/** A member as the leader sees it: its consumer protocol subscription. */
export interface Subscription {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly topics: readonly string[]
  readonly userData: Buffer
}

/** What a member gets: the partitions for Kafka's own tools, everything else in the user data. */
export interface Assignment {
  readonly partitions: readonly TopicPartitions[]
  readonly userData: Buffer
}

export interface MembershipOptions extends MemberEvents<Assignment> {
  /** `client.coordinator(group)`: this member's own, and closed when it leaves. */
  readonly coordinator: Coordinator
  /** Asked at every join. */
  readonly topics: () => readonly string[]
  /** After so long without a heartbeat the group goes on without this member. 10,000 when absent. */
  readonly sessionTimeoutMs?: number
  /** How long the group waits for its members when it distributes anew. 60,000 when absent. */
  readonly rebalanceTimeoutMs?: number
  /** 500 when absent: everything in a rebalance waits for the next heartbeat of the slowest member. */
  readonly heartbeatIntervalMs?: number
  /** The bound of `onRevoke`; half the rebalance timeout when absent. */
  readonly revokeTimeoutMs?: number
  /**
   * Static membership (KIP-345): a member that comes back under this name within the session timeout gets its
   * assignment back without a rebalance. `leave` then leaves the place to it. Two processes with the same name fence
   * each other: the older stops with `E_GROUP_FENCED`.
   */
  readonly instanceId?: string
  readonly protocol: {
    /** Members with another protocol are refused by the coordinator. */
    readonly name: string
    /** Asked at every join. */
    readonly userData: () => Buffer
  }
  /** Called on the leader. Who is not in the answer gets nothing. When it throws, every member gets nothing and this one stops. */
  readonly assign: (members: readonly Subscription[], self: string) => ReadonlyMap<string, Assignment>
}
