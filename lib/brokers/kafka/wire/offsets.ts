import type { GroupMember, OffsetToCommit } from '../kafka-client.js'
import type { ProtocolReader } from './protocol-reader.js'
import type { ProtocolWriter } from './protocol-writer.js'
import { byTopic, type Request, request } from './request.js'

export interface PartitionResult {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
}

export interface OffsetFetchAnswer {
  readonly errorCode: number
  readonly partitions: readonly (PartitionResult & {
    /** -1: none. */
    readonly offset: number
    readonly metadata: string | undefined
  })[]
}

const NO_GENERATION = -1
const ANY_LEADER_EPOCH = -1

/** Version 7: the broker checks generation and member. */
export const offsetCommitRequest = (
  member: GroupMember,
  offsets: readonly OffsetToCommit[],
): Request<readonly PartitionResult[]> =>
  request(
    { apiKey: 8, apiVersion: 7, apiName: 'OffsetCommit' },
    (writer) => {
      writer.string(member.group)
      writer.int32(member.generation ?? NO_GENERATION)
      writer.string(member.memberId ?? '')
      writer.string(member.instanceId)
      writeOffsets(writer, offsets)
    },
    readResults,
  )

/** Version 7, flexible: the first that can wait for offsets of pending transactions (`requireStable`, KIP-447). */
export const offsetFetchRequest = (
  group: string,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  requireStable: boolean,
): Request<OffsetFetchAnswer> =>
  request(
    { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch', flexible: true },
    (writer) => {
      writer.string(group)
      writer.array(byTopic(partitions), ([topic, list]) => {
        writer.string(topic)
        writer.array(list, ({ partition }) => writer.int32(partition))
        writer.end()
      })
      writer.boolean(requireStable)
    },
    (reader) => {
      const topics = reader.array(() => {
        const topic = reader.string()
        const list = reader.array(() => {
          const partition = reader.int32()
          const offset = reader.int64()
          reader.int32()
          const metadata = reader.optionalString()
          const errorCode = reader.int16()
          reader.end()
          return { topic, partition, errorCode, offset, metadata }
        })
        reader.end()
        return list
      })
      return { errorCode: reader.int16(), partitions: topics.flat() }
    },
  )

/** Version 3, flexible: the first that says which member of the group commits, so that the broker can refuse (KIP-447). */
export const txnOffsetCommitRequest = (
  transactionalId: string,
  producerId: number,
  producerEpoch: number,
  member: GroupMember,
  offsets: readonly OffsetToCommit[],
): Request<readonly PartitionResult[]> =>
  request(
    { apiKey: 28, apiVersion: 3, apiName: 'TxnOffsetCommit', flexible: true },
    (writer) => {
      writer.string(transactionalId)
      writer.string(member.group)
      writer.int64(producerId)
      writer.int16(producerEpoch)
      writer.int32(member.generation ?? NO_GENERATION)
      writer.string(member.memberId ?? '')
      writer.string(member.instanceId)
      writeOffsets(writer, offsets)
    },
    readResults,
  )

function writeOffsets(writer: ProtocolWriter, offsets: readonly OffsetToCommit[]): void {
  writer.array(byTopic(offsets), ([topic, partitions]) => {
    writer.string(topic)
    writer.array(partitions, ({ partition, offset, metadata }) => {
      writer.int32(partition)
      writer.int64(offset)
      writer.int32(ANY_LEADER_EPOCH)
      writer.string(metadata ?? '')
      writer.end()
    })
    writer.end()
  })
}

function readResults(reader: ProtocolReader): readonly PartitionResult[] {
  return reader
    .array(() => {
      const topic = reader.string()
      const list = reader.array(() => {
        const result = { topic, partition: reader.int32(), errorCode: reader.int16() }
        reader.end()
        return result
      })
      reader.end()
      return list
    })
    .flat()
}
