import { RevlogError } from '../../core/errors.js'
import type { ProducerRecord } from '../../core/record.js'
import type { Appended } from '../port.js'
import { askLeaders, placeKey } from './ask-leaders.js'
import type { Cluster } from './cluster.js'
import type { CallOptions, ProducerOptions } from './kafka-client.js'
import { type BatchEncoder, checkRecord, createBatchEncoder } from './wire/encode-batch.js'
import { kafkaError, kafkaErrorCode } from './wire/error-codes.js'
import { type Produced, produceRequest } from './wire/produce.js'
import { SEQUENCES } from './wire/record-batch.js'
import { createSlab } from './wire/slab.js'

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  readonly transactionalId: string | undefined
}

/** Turns records into batches with sequence numbers and sends them until they are acknowledged; one call at a time. */
export interface Sender {
  /**
   * By partition, each in the order given.
   *
   * @throws RevlogError for a record that cannot be sent; nothing has been sent then
   */
  group(records: readonly ProducerRecord[]): Outbound[]
  /** @param prepare called with the partitions of each round before it is sent */
  send(
    outbounds: Outbound[],
    call: CallOptions,
    prepare?: (partitions: readonly Outbound[]) => Promise<void>,
  ): Promise<readonly Appended[]>
}

const DEFAULT_MAX_BATCH_BYTES = 900_000
const DEFAULT_MAX_BATCH_RECORDS = 10_000
/** A broker hangs up, without a word, on a request that is larger than its `socket.request.max.bytes`: 100 MiB. */
const LARGEST_MESSAGE_BYTES = 90 * 1024 * 1024
const DEFAULT_MAX_REQUEST_BYTES = 8 * 1024 * 1024
const INITIAL_SLAB_BYTES = 64 * 1024
/** How long a leader may wait for its followers. */
const REPLICATION_MS = 8_000

/** What is still to be sent to one partition, and its batch of this round. */
export interface Outbound {
  readonly topic: string
  readonly partition: number
  readonly records: ProducerRecord[]
  /** Index of the first record that is not acknowledged. */
  from: number
  batch: { readonly bytes: Buffer; readonly count: number } | undefined
}

/** What the broker knows of this producer in one partition. */
interface Progress {
  sequence: number
  lastOffset: number
}

export function createSender(cluster: Cluster, identity: ProducerIdentity, options: ProducerOptions): Sender {
  const {
    compression = 'none',
    maxBatchBytes = DEFAULT_MAX_BATCH_BYTES,
    maxBatchRecords = DEFAULT_MAX_BATCH_RECORDS,
    maxMessageBytesOf,
    maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES,
  } = options
  const { producerId, producerEpoch, transactionalId } = identity
  const encoder: BatchEncoder = createBatchEncoder()
  const slab = createSlab(INITIAL_SLAB_BYTES)
  const progress = new Map<string, Progress>()
  /** Topics that have refused a batch for its size: what they take. */
  const limits = new Map<string, number>()

  const progressOf = (outbound: Outbound): Progress => {
    const key = placeKey(outbound)
    let known = progress.get(key)
    if (known === undefined) {
      known = { sequence: 0, lastOffset: -1 }
      progress.set(key, known)
    }
    return known
  }

  /** A batch for as many of `waiting` as one round may have; they are in the slab until the next round. */
  const encodeRound = (waiting: readonly Outbound[]): Outbound[] => {
    slab.length = 0
    const round: Outbound[] = []
    for (const outbound of waiting) {
      if (slab.length >= maxRequestBytes) break
      outbound.batch = encoder.encode(slab, outbound.records, outbound.from, {
        maxBytes:
          limits.get(outbound.topic) ??
          Math.min(maxBatchBytes, maxMessageBytesOf?.(outbound.topic) ?? Infinity),
        maxRecords: maxBatchRecords,
        compression,
        producerId,
        producerEpoch,
        baseSequence: progressOf(outbound).sequence,
        transactional: transactionalId !== undefined,
      })
      round.push(outbound)
    }
    return round
  }

  const take = (outbound: Outbound, answer: Produced, into: Appended[]): RevlogError | undefined => {
    const { topic, partition } = outbound
    const { bytes, count } = outbound.batch!
    if (answer.errorCode === 0) {
      const known = progressOf(outbound)
      const { baseOffset } = answer
      // A broker that takes a batch for a repetition acknowledges it with the place of the older one.
      if (baseOffset <= known.lastOffset) {
        return new RevlogError(
          'E_PRODUCER_STALE_ACK',
          `offset ${baseOffset} was acknowledged after ${known.lastOffset}`,
          { at: { topic, partition }, remedy: 'make a new producer; the last records were not written' },
        )
      }
      known.lastOffset = baseOffset + count - 1
      known.sequence = (known.sequence + count) % SEQUENCES
      into.push({ topic, partition, baseOffset, count })
      outbound.from += count
      outbound.batch = undefined
      return undefined
    }
    if (kafkaErrorCode(answer.errorCode).name === 'MESSAGE_TOO_LARGE' && count > 1) {
      // The topic takes less than we thought. Nothing was written, so the numbers can be used for smaller batches.
      limits.set(topic, Math.ceil(bytes.length / 2))
      outbound.batch = undefined
      return undefined
    }
    if (kafkaErrorCode(answer.errorCode).name === 'MESSAGE_TOO_LARGE') {
      const detail = `it needs a batch of ${bytes.length} bytes`
      return kafkaError(answer.errorCode, 'a record was not written', { topic, partition }, detail)
    }
    const [first] = answer.recordErrors
    const detail =
      first === undefined
        ? answer.errorMessage
        : `record ${first.index} of the batch: ${first.message ?? answer.errorMessage ?? ''}`
    return kafkaError(answer.errorCode, 'records were not written', { topic, partition }, detail)
  }

  return {
    group(records) {
      const topics = new Map<string, (Outbound | undefined)[]>()
      const outbounds: Outbound[] = []
      let topic: string | undefined
      let maxMessageBytes = LARGEST_MESSAGE_BYTES
      let partitions: (Outbound | undefined)[] = []
      for (let i = 0; i < records.length; i++) {
        const record = records[i]!
        const partition = record.partition ?? options.partitionOf?.(record) ?? -1
        if (!Number.isInteger(partition) || partition < 0 || record.topic === '') {
          throw new RevlogError('E_RECORD_PLACE', `record ${i} has no topic and partition`, {
            at: { topic: record.topic },
            remedy: 'choose the partition before sending',
          })
        }
        if (record.topic !== topic) {
          topic = record.topic
          maxMessageBytes = Math.min(LARGEST_MESSAGE_BYTES, maxMessageBytesOf?.(topic) ?? Infinity)
          const known = topics.get(topic)
          partitions = known ?? []
          if (known === undefined) topics.set(topic, partitions)
        }
        checkRecord(record, partition, i, maxMessageBytes)
        let outbound = partitions[partition]
        if (outbound === undefined) {
          outbound = { topic, partition, records: [], from: 0, batch: undefined }
          partitions[partition] = outbound
          outbounds.push(outbound)
        }
        outbound.records.push(record)
      }
      return outbounds
    },
    async send(outbounds, call, prepare) {
      const appended: Appended[] = []
      let waiting = outbounds
      while (waiting.length > 0) {
        const round = encodeRound(waiting)
        await prepare?.(round)
        await cluster.retry(call, (signal) =>
          askLeaders(
            cluster,
            round.filter(({ batch }) => batch !== undefined),
            {
              request: (outbounds) =>
                produceRequest({
                  transactionalId,
                  timeoutMs: REPLICATION_MS,
                  batches: outbounds.map(({ topic, partition, batch }) => ({
                    topic,
                    partition,
                    bytes: batch!.bytes,
                  })),
                }),
              take: (outbound, answer) => take(outbound, answer, appended),
            },
            signal,
          ),
        )
        waiting = waiting.filter(({ from, records }) => from < records.length)
      }
      return appended
    },
  }
}
