import { byTopic, type Request, request } from './request.js'

/** One batch; a request holds at most one for each partition. */
export interface BatchToProduce {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

export interface ProduceRequest {
  readonly transactionalId: string | undefined
  /** How long the leader may wait for its followers. */
  readonly timeoutMs: number
  readonly batches: readonly BatchToProduce[]
}

export interface Produced {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset: number
  /** -1 where the topic keeps the producer's time. */
  readonly logAppendTime: number
  readonly logStartOffset: number
  /** Which records of the batch the broker refuses, and why. */
  readonly recordErrors: readonly { readonly index: number; readonly message: string | undefined }[]
  readonly errorMessage: string | undefined
}

const ALL_IN_SYNC_REPLICAS = -1
const OVERHEAD_BYTES = 4096

/** Version 8, the first that names the records which are refused and the last with lengths of 32 bits. */
export const produceRequest = (from: ProduceRequest): Request<readonly Produced[]> =>
  request(
    {
      apiKey: 0,
      apiVersion: 8,
      apiName: 'Produce',
      throttle: 'last',
      bytes: from.batches.reduce((bytes, batch) => bytes + batch.bytes.length + 64, OVERHEAD_BYTES),
    },
    (writer) => {
      writer.string(from.transactionalId)
      writer.int16(ALL_IN_SYNC_REPLICAS)
      writer.int32(from.timeoutMs)
      writer.array(byTopic(from.batches), ([topic, batches]) => {
        writer.string(topic)
        writer.array(batches, (batch) => {
          writer.int32(batch.partition)
          writer.bytes(batch.bytes)
        })
      })
    },
    (reader) => {
      const topics = reader.array(() => {
        const topic = reader.string()
        return reader.array(() => ({
          topic,
          partition: reader.int32(),
          errorCode: reader.int16(),
          baseOffset: reader.int64(),
          logAppendTime: reader.int64(),
          logStartOffset: reader.int64(),
          recordErrors: reader.array(() => ({ index: reader.int32(), message: reader.optionalString() })),
          errorMessage: reader.optionalString(),
        }))
      })
      return topics.flat()
    },
  )
