import type { GroupMember } from '../kafka-client.js'
import { type Request, request } from '../wire/request.js'

/**
 * The requests of the group protocol, in the last versions before the flexible encoding; every broker since Kafka 2.3
 * has them. What an error code means is in `answers.ts`.
 */
interface Answer {
  readonly errorCode: number
}

/** A member in a generation. */
export type Who = Required<GroupMember>

export interface JoinAnswer extends Answer {
  readonly generation: number
  readonly leaderId: string
  readonly memberId: string
  /** Only the leader gets them. */
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | undefined
    readonly metadata: Buffer
  }[]
}

export const joinRequest = (
  who: Omit<Who, 'generation'>,
  timeouts: { readonly sessionTimeoutMs: number; readonly rebalanceTimeoutMs: number },
  protocol: { readonly name: string; readonly metadata: Buffer },
): Request<JoinAnswer> =>
  request(
    { apiKey: 11, apiVersion: 5, apiName: 'JoinGroup' },
    (writer) => {
      writer.string(who.group)
      writer.int32(timeouts.sessionTimeoutMs)
      writer.int32(timeouts.rebalanceTimeoutMs)
      writer.string(who.memberId)
      writer.string(who.instanceId)
      writer.string('consumer')
      writer.array([protocol], ({ name, metadata }) => {
        writer.string(name)
        writer.bytes(metadata)
      })
    },
    (reader) => {
      const errorCode = reader.int16()
      const generation = reader.int32()
      reader.string() // the protocol: there is only ours
      return {
        errorCode,
        generation,
        leaderId: reader.string(),
        memberId: reader.string(),
        members: reader.array(() => ({
          memberId: reader.string(),
          instanceId: reader.optionalString(),
          metadata: reader.bytes(),
        })),
      }
    },
  )

export interface SyncAnswer extends Answer {
  readonly assignment: Buffer
}

export const syncRequest = (who: Who, assignments: ReadonlyMap<string, Buffer>): Request<SyncAnswer> =>
  request(
    { apiKey: 14, apiVersion: 3, apiName: 'SyncGroup' },
    (writer) => {
      writer.string(who.group)
      writer.int32(who.generation)
      writer.string(who.memberId)
      writer.string(who.instanceId)
      writer.array([...assignments], ([memberId, assignment]) => {
        writer.string(memberId)
        writer.bytes(assignment)
      })
    },
    (reader) => {
      return { errorCode: reader.int16(), assignment: reader.bytes() }
    },
  )

export const heartbeatRequest = (who: Who): Request<Answer> =>
  request(
    { apiKey: 12, apiVersion: 3, apiName: 'Heartbeat' },
    (writer) => {
      writer.string(who.group)
      writer.int32(who.generation)
      writer.string(who.memberId)
      writer.string(who.instanceId)
    },
    (reader) => {
      return { errorCode: reader.int16() }
    },
  )

/** For a member without an instance id: one that has it keeps its place. */
export const leaveRequest = ({ group, memberId }: Pick<Who, 'group' | 'memberId'>): Request<Answer> =>
  request(
    { apiKey: 13, apiVersion: 3, apiName: 'LeaveGroup' },
    (writer) => {
      writer.string(group)
      writer.array([memberId], (id) => {
        writer.string(id)
        writer.string(undefined)
      })
    },
    (reader) => {
      return { errorCode: reader.int16() }
    },
  )
