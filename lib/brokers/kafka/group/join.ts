import { RevlogError } from '../../../core/errors.js'
import { fatalError, MEMBER_ID_REQUIRED, type Meaning, meaningOf } from './answers.js'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.js'
import type { Coordinator } from './coordinator.js'
import type { Assignment, MembershipOptions } from './membership-options.js'
import { type JoinAnswer, joinRequest, syncRequest } from './requests.js'

/** What one attempt to join came to. */
export type Joined =
  | {
      readonly outcome: 'assigned'
      readonly memberId: string
      readonly generation: number
      readonly assignment: Assignment
    }
  /** Join again, under this name. */
  | {
      readonly outcome: 'again'
      readonly memberId: string
      readonly why: Meaning | 'named'
      readonly code: number
    }

export interface Timeouts {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/**
 * Joins once and, as the leader, distributes.
 *
 * @throws RevlogError when it is of no use to try again; anything else when the coordinator did not answer.
 */
export async function joinOnce(
  coordinator: Coordinator,
  options: Pick<MembershipOptions, 'topics' | 'protocol' | 'assign' | 'instanceId'>,
  memberId: string,
  timeouts: Timeouts,
  named: (memberId: string) => void,
): Promise<Joined> {
  const { instanceId, protocol } = options
  const { group } = coordinator
  // Others may take longer. Then it is asked again, which changes nothing for a group that still waits, and gives who
  // has missed an answer that answer.
  const patienceMs = timeouts.sessionTimeoutMs
  const joined = await coordinator.ask(
    joinRequest({ group, memberId, instanceId }, timeouts, {
      name: protocol.name,
      metadata: encodeSubscription(options.topics(), protocol.userData()),
    }),
    patienceMs,
  )
  if (joined.errorCode === MEMBER_ID_REQUIRED) {
    return { outcome: 'again', memberId: joined.memberId, why: 'named', code: joined.errorCode }
  }
  const refused = again(joined.errorCode, memberId, group)
  if (refused !== undefined) return refused

  named(joined.memberId)
  const { assignments, problem } = distribute(joined, options)
  const who = { group, instanceId, memberId: joined.memberId, generation: joined.generation }
  const synced = await coordinator.ask(syncRequest(who, assignments), patienceMs)
  if (problem !== undefined) throw problem
  const late = again(synced.errorCode, joined.memberId, group)
  if (late !== undefined) return late
  return {
    outcome: 'assigned',
    memberId: joined.memberId,
    generation: joined.generation,
    assignment: decodeAssignment(synced.assignment),
  }
}

function again(code: number, memberId: string, group: string): Joined | undefined {
  const why = meaningOf(code)
  if (why === 'fine') return undefined
  if (why === 'fatal') throw fatalError(code, group)
  return { outcome: 'again', memberId, why, code }
}

/** Nothing when this member is not the leader. A leader that cannot distribute still answers: the others wait for it. */
function distribute(
  joined: JoinAnswer,
  { assign }: Pick<MembershipOptions, 'assign'>,
): { readonly assignments: ReadonlyMap<string, Buffer>; readonly problem: RevlogError | undefined } {
  if (joined.leaderId !== joined.memberId) return { assignments: new Map(), problem: undefined }
  try {
    const assignments = assign(
      joined.members.map(({ memberId, instanceId, metadata }) => ({
        memberId,
        instanceId,
        ...readable(metadata),
      })),
      joined.memberId,
    )
    return {
      assignments: new Map(
        [...assignments].map(([id, { partitions, userData }]) => [
          id,
          encodeAssignment(partitions, userData),
        ]),
      ),
      problem: undefined,
    }
  } catch (error) {
    const problem =
      error instanceof RevlogError
        ? error
        : new RevlogError('E_ASSIGNMENT', 'the tasks could not be distributed', { cause: error })
    return { assignments: new Map(), problem }
  }
}

/** A member whose subscription cannot be read subscribes to nothing and says nothing. */
function readable(metadata: Buffer): { readonly topics: readonly string[]; readonly userData: Buffer } {
  try {
    return decodeSubscription(metadata)
  } catch {
    return { topics: [], userData: Buffer.alloc(0) }
  }
}
