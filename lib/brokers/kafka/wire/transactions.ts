import type { PartitionResult } from './offsets.js'
import { byTopic, type Request, request } from './request.js'

export interface ProducerIdAnswer {
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
}

/** Who writes in which transaction. */
export interface TransactionOwner {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

const NO_PRODUCER = -1

/**
 * Version 4, flexible: from 4 on a producer that was replaced hears `PRODUCER_FENCED`, not a code that also means
 * "too slow". Always asks for a new id or epoch, so that earlier owners of the transactional id are fenced.
 */
export const initProducerIdRequest = (
  transactionalId: string | undefined,
  transactionTimeoutMs: number,
): Request<ProducerIdAnswer> =>
  request(
    { apiKey: 22, apiVersion: 4, apiName: 'InitProducerId', flexible: true },
    (writer) => {
      writer.string(transactionalId)
      writer.int32(transactionTimeoutMs)
      writer.int64(NO_PRODUCER)
      writer.int16(NO_PRODUCER)
    },
    (reader) => {
      return { errorCode: reader.int16(), producerId: reader.int64(), producerEpoch: reader.int16() }
    },
  )

/** Version 2, the first that says `PRODUCER_FENCED`. */
export const addPartitionsToTxnRequest = (
  owner: TransactionOwner,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): Request<readonly PartitionResult[]> =>
  request(
    { apiKey: 24, apiVersion: 2, apiName: 'AddPartitionsToTxn' },
    (writer) => {
      writer.string(owner.transactionalId)
      writer.int64(owner.producerId)
      writer.int16(owner.producerEpoch)
      writer.array(byTopic(partitions), ([topic, list]) => {
        writer.string(topic)
        writer.array(list, ({ partition }) => writer.int32(partition))
      })
    },
    (reader) => {
      return reader
        .array(() => {
          const topic = reader.string()
          return reader.array(() => ({ topic, partition: reader.int32(), errorCode: reader.int16() }))
        })
        .flat()
    },
  )

/** Version 2. */
export const addOffsetsToTxnRequest = (owner: TransactionOwner, group: string): Request<number> =>
  request(
    { apiKey: 25, apiVersion: 2, apiName: 'AddOffsetsToTxn' },
    (writer) => {
      writer.string(owner.transactionalId)
      writer.int64(owner.producerId)
      writer.int16(owner.producerEpoch)
      writer.string(group)
    },
    (reader) => {
      return reader.int16()
    },
  )

/** Version 2. */
export const endTxnRequest = (owner: TransactionOwner, commit: boolean): Request<number> =>
  request(
    { apiKey: 26, apiVersion: 2, apiName: 'EndTxn' },
    (writer) => {
      writer.string(owner.transactionalId)
      writer.int64(owner.producerId)
      writer.int16(owner.producerEpoch)
      writer.boolean(commit)
    },
    (reader) => {
      return reader.int16()
    },
  )
