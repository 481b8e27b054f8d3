import type { AbortedTransaction } from './decode-batches.js'
import { byTopic, type Request, request } from './request.js'

export interface PartitionToFetch {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface FetchRequest {
  readonly committed: boolean
  /** How long the broker may wait for `minBytes`. */
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly partitions: readonly PartitionToFetch[]
}

export interface FetchAnswer {
  readonly errorCode: number
  readonly partitions: readonly PartitionAnswer[]
}

export interface PartitionAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** Batches, as a part of the answer. */
  readonly bytes: Buffer
}

const NO_REPLICA = -1
const NO_SESSION = 0
const NO_SESSION_EPOCH = -1
const ANY_LEADER_EPOCH = -1
const NOT_A_FOLLOWER = -1

/** Version 11, the last that is not flexible; without a fetch session, so that each request says all. */
export const fetchRequest = (from: FetchRequest): Request<FetchAnswer> =>
  request(
    { apiKey: 1, apiVersion: 11, apiName: 'Fetch' },
    (writer) => {
      writer.int32(NO_REPLICA)
      writer.int32(from.maxWaitMs)
      writer.int32(from.minBytes)
      writer.int32(from.maxBytes)
      writer.int8(from.committed ? 1 : 0)
      writer.int32(NO_SESSION)
      writer.int32(NO_SESSION_EPOCH)
      writer.array(byTopic(from.partitions), ([topic, partitions]) => {
        writer.string(topic)
        writer.array(partitions, ({ partition, offset }) => {
          writer.int32(partition)
          writer.int32(ANY_LEADER_EPOCH)
          writer.int64(offset)
          writer.int64(NOT_A_FOLLOWER)
          writer.int32(from.maxPartitionBytes)
        })
      })
      // Topics to forget in a session, and the rack of a reader that may read from followers.
      writer.array([], () => undefined)
      writer.string('')
    },
    (reader) => {
      const errorCode = reader.int16()
      reader.int32()
      const topics = reader.array(() => {
        const topic = reader.string()
        return reader.array(() => {
          const partition = reader.int32()
          const partitionError = reader.int16()
          const highWatermark = reader.int64()
          const lastStableOffset = reader.int64()
          const logStartOffset = reader.int64()
          const aborted = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }))
          reader.int32()
          const bytes = reader.bytes()
          return {
            topic,
            partition,
            errorCode: partitionError,
            highWatermark,
            lastStableOffset,
            logStartOffset,
            aborted,
            bytes,
          }
        })
      })
      return { errorCode, partitions: topics.flat() }
    },
  )
