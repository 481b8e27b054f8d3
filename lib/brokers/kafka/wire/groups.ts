import { RevlogError } from '../../../core/errors.js'
import { type Operation, operationsOf } from './authorized.js'
import { type Request, request } from './request.js'

export interface GroupDescription {
  readonly errorCode: number
  /** `Empty`, `Stable`, `PreparingRebalance`, `CompletingRebalance`; `Dead` for one that does not exist. */
  readonly state: string
  readonly members: readonly DescribedMember[]
  readonly operations: ReadonlySet<Operation> | undefined
}

export interface DescribedMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  /** `/127.0.0.1` */
  readonly host: string
}

/** An answer says something of each group that was asked about: of one. */
function answered<T>(said: T | undefined, apiName: string): T {
  if (said !== undefined) return said
  throw new RevlogError('E_KAFKA_PROTOCOL', `the answer to ${apiName} says nothing about the group`)
}

/** Version 4. */
export const describeGroupRequest = (group: string): Request<GroupDescription> =>
  request(
    { apiKey: 15, apiVersion: 4, apiName: 'DescribeGroups' },
    (writer) => {
      writer.array([group], (id) => writer.string(id))
      writer.boolean(true)
    },
    (reader) => {
      const [described] = reader.array(() => {
        const errorCode = reader.int16()
        reader.string()
        const state = reader.string()
        reader.string() // the type of its protocol
        reader.string() // the protocol
        const members = reader.array(() => {
          const member = {
            memberId: reader.string(),
            instanceId: reader.optionalString(),
            clientId: reader.string(),
            host: reader.string(),
          }
          reader.bytes() // what it subscribed to
          reader.bytes() // what it was given
          return member
        })
        return { errorCode, state, members, operations: operationsOf(reader.int32()) }
      })
      return answered(described, 'DescribeGroups')
    },
  )

/** Version 1. The offsets of the group go with it. */
export const deleteGroupRequest = (group: string): Request<{ readonly errorCode: number }> =>
  request(
    { apiKey: 42, apiVersion: 1, apiName: 'DeleteGroups' },
    (writer) => writer.array([group], (id) => writer.string(id)),
    (reader) => {
      const [deleted] = reader.array(() => {
        reader.string()
        return { errorCode: reader.int16() }
      })
      return answered(deleted, 'DeleteGroups')
    },
  )

/** Version 3: takes members out of a group, whether they live or not. */
export const removeMembersRequest = (
  group: string,
  members: readonly Pick<DescribedMember, 'memberId' | 'instanceId'>[],
): Request<{ readonly errorCode: number }> =>
  request(
    { apiKey: 13, apiVersion: 3, apiName: 'LeaveGroup' },
    (writer) => {
      writer.string(group)
      writer.array(members, ({ memberId, instanceId }) => {
        writer.string(memberId)
        writer.string(instanceId)
      })
    },
    (reader) => {
      return { errorCode: reader.int16() }
    },
  )
