import type { Kafka } from 'kafkajs'
import type { RevlogError } from '../../core/errors.js'
import type { LogRecord, ProducerRecord, TopicPartition } from '../../core/record.js'
import type { Appended } from '../port.js'
import type { Coordinator } from './group/coordinator.js'
import type { BatchReader } from './wire/decode-batches.js'
import type { Request } from './wire/request.js'

/**
 * Talks to Kafka in our own record batches and requests, over kafkajs' connections and authentication.
 *
 * Every call repeats what fails for a passing reason (connection lost, leader moved, coordinator loading) with
 * back-off until `timeoutMs` is over, and rejects with a `RevlogError`:
 *
 * | code | meaning |
 * |---|---|
 * | `E_TLS`, `E_AUTH` | the broker's certificate or our credentials were refused |
 * | `E_BROKER_UNREACHABLE` | no broker answered within `timeoutMs` |
 * | `E_BROKER_VERSION` | the broker does not speak a version of a request that we speak |
 * | `E_AUTHORIZATION` | the broker's access rules refuse it; the message names topic, group or transactional id |
 * | `E_TOPIC_UNKNOWN`, `E_OFFSET_OUT_OF_RANGE`, `E_RECORD_TOO_LARGE`, `E_RECORD_TIMESTAMP` | as they say |
 * | `E_KAFKA_<NAME>` | any other answer, by Kafka's own name of it: `E_KAFKA_PRODUCER_FENCED` |
 * | `E_CORRUPT_BATCH`, `E_BATCH_FORMAT`, `E_COMPRESSION`, `E_BATCH_TOO_LARGE` | bytes that cannot be read |
 * | `E_KAFKA_PROTOCOL` | an answer that breaks off or says something impossible |
 * | `E_ABORTED` | the signal was aborted |
 * | `E_BROKER_CLOSED` | the client was closed |
 *
 * `kafkaErrorOf(error)` in `wire/error-codes.ts` gives Kafka's code, name and whether it passes.
 *
 * @example
 * const client = await openKafkaClient({ brokers: ['localhost:9092'] })
 * const producer = await client.producer()
 * const [appended] = await producer.send([{ topic: 'moods', partition: 0, key, value, timestamp, headers: [] }])
 */
export interface KafkaClient {
  /** A new kafkajs client with the same addresses and credentials, for what revlog does not ask for itself: in tests. */
  kafkajs(): Kafka
  metadata(topics: readonly string[] | 'all', options?: CallOptions): Promise<ClusterMetadata>
  /** Asks any broker. An error code in the answer is the caller's business. */
  ask<Answer>(request: Request<Answer>, options?: CallOptions): Promise<Answer>
  /** The same of the controller, which makes and removes topics; it is looked for again with every try. */
  askController<Answer>(request: Request<Answer>, options?: CallOptions): Promise<Answer>
  /** Deletes what lies before these offsets; a partition that is shorter is left alone. */
  deleteRecords(places: readonly FetchPosition[], options?: CallOptions): Promise<void>
  /** In the order of `queries`. */
  listOffsets(queries: readonly OffsetQuery[], options: ListOffsetsOptions): Promise<readonly ListedOffset[]>
  /** Reads partitions. Every reader has connections of its own, so that one that waits delays no other. */
  fetcher(options: FetcherOptions): Fetcher
  /** An idempotent producer; a new one has a producer id of its own. */
  producer(options?: ProducerOptions): Promise<KafkaProducer>
  /**
   * A producer whose earlier owners are fenced, and whose pending transaction is finished, once this has resolved:
   * InitProducerId has been answered. Read committed offsets only then.
   */
  transactionalProducer(options: TransactionalProducerOptions): Promise<TransactionalProducer>
  /** What a group has committed, in the order of `partitions`. */
  committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
    options?: CommittedOffsetsOptions,
  ): Promise<readonly CommittedOffset[]>
  /** Commits as a member; the broker refuses an old generation with `E_KAFKA_ILLEGAL_GENERATION` and the like. */
  commitOffsets(member: GroupMember, offsets: readonly OffsetToCommit[], options?: CallOptions): Promise<void>
  /** Asks the coordinator of a group over connections of its own: what a member of the group needs (`group/`). */
  coordinator(group: string): Coordinator
  /** Ends what is under way with `E_BROKER_CLOSED` and closes every connection, within a second. */
  close(): Promise<void>
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Instead of the client's `retryTimeoutMs`. */
  readonly timeoutMs?: number
}

export type Isolation = 'read_committed' | 'read_uncommitted'

export interface ClusterMetadata {
  readonly clusterId: string | undefined
  readonly controllerId: number
  readonly brokers: readonly BrokerAddress[]
  readonly topics: readonly TopicMetadata[]
}

export interface BrokerAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | undefined
}

export interface TopicMetadata {
  readonly name: string
  /** Why there is nothing else about the topic: `E_TOPIC_UNKNOWN`, `E_AUTHORIZATION`, … */
  readonly error: RevlogError | undefined
  readonly internal: boolean
  /** By id, ascending. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  readonly partition: number
  /** `undefined` while there is none. */
  readonly leader: number | undefined
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
}

export interface OffsetQuery extends TopicPartition {
  /** The first offset, the end, or the first offset whose record is at least that old: milliseconds since the epoch. */
  readonly at: 'earliest' | 'latest' | number
}

export interface ListOffsetsOptions extends CallOptions {
  /** `latest` is the last stable offset when committed, the high watermark when uncommitted. */
  readonly isolation: Isolation
}

export interface ListedOffset extends TopicPartition {
  /** `undefined` when `at` was a time and no record is that young. */
  readonly offset: number | undefined
  /** Of the record found by time; -1 otherwise. */
  readonly timestamp: number
}

export interface FetcherOptions {
  /** `read_committed` leaves out what was aborted and stops at the last stable offset. */
  readonly isolation: Isolation
  /** Bytes of batches in one answer of one broker. 4 MiB when absent. A larger batch comes all the same, alone. */
  readonly maxBytes?: number
  /** The same for one partition. 1 MiB when absent. */
  readonly maxPartitionBytes?: number
  /**
   * Bytes that the batches of one partition's answer may have once decompressed: after the batch that reaches them the
   * rest is left for the next fetch. 32 MiB when absent.
   */
  readonly maxDecodedBytes?: number
  /** Bytes that one compressed batch may have at most: more is `E_BATCH_TOO_LARGE`. 128 MiB when absent. */
  readonly maxBatchBytes?: number
  /**
   * Answers have no `records` but `batches`, whose records are made when they are wanted: for who reads far ahead.
   * `nextOffset` is after all of them.
   */
  readonly lazy?: boolean
}

export interface FetchPosition extends TopicPartition {
  /** The first offset wanted. */
  readonly offset: number
}

export interface PollOptions extends CallOptions {
  /** How long the brokers may wait for data when there is none. */
  readonly maxWaitMs: number
}

/**
 * Reads from many partitions, with at most one request under way at each broker.
 *
 * `poll` asks each leader for the positions given, unless a request to it is still under way from an earlier poll, and
 * resolves with the answers that came first. A leader without data holds its answer back for `maxWaitMs`, and then says
 * so: without records, with the end of the log. An answer to a position that is no longer asked for (after a seek or a
 * pause) is thrown away. One poll at a time.
 */
export interface Fetcher {
  poll(positions: readonly FetchPosition[], options: PollOptions): Promise<readonly FetchedPartition[]>
  close(): void
}

/** What one partition answered. Records have copies of their bytes: keeping one keeps at most 64 KiB beside it alive. */
export interface FetchedPartition extends TopicPartition {
  /** The position that was asked for. */
  readonly offset: number
  readonly records: readonly LogRecord[]
  /** Under `lazy`, when there is any. */
  readonly batches: BatchReader | undefined
  /** Where to go on; past control records, aborted records, and batches that compaction has emptied. */
  readonly nextOffset: number
  readonly highWatermark: number
  /** The end of what is decided; equal to the high watermark when no transaction is open. */
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Bytes of batches in the answer. */
  readonly bytes: number
  /** Why this partition cannot be read from there. Passing reasons are not reported but tried again. */
  readonly error: RevlogError | undefined
}

/** A record that knows its partition. */
export interface PlacedRecord extends ProducerRecord {
  readonly partition: number
}

export interface ProducerOptions extends CallOptions {
  /** `none` when absent. */
  readonly compression?: 'none' | 'gzip' | 'lz4'
  /** Bytes of one batch before compression, unless a single record is larger. 900,000 when absent. */
  readonly maxBatchBytes?: number
  /**
   * What a topic takes, its `max.message.bytes`, where that is known: a larger record is refused before anything is sent.
   * A record that no request can carry is refused in any case.
   */
  readonly maxMessageBytesOf?: (topic: string) => number | undefined
  /** Records of one batch. 10,000 when absent. */
  readonly maxBatchRecords?: number
  /** The partition of a record that does not name it; without this such a record is refused with `E_RECORD_PLACE`. */
  readonly partitionOf?: (record: ProducerRecord) => number
  /** Bytes of the batches that are under way at once; a larger send goes in rounds. 8 MiB when absent. */
  readonly maxRequestBytes?: number
}

export interface TransactionalProducerOptions extends ProducerOptions {
  readonly transactionalId: string
  /** After this the broker aborts a transaction by itself. */
  readonly transactionTimeoutMs: number
}

/**
 * An idempotent producer with one send under way.
 *
 * A batch whose answer got lost is sent again with the same sequence number, so that the broker recognises it and
 * answers with the offset that it got. After a send has failed for good nobody knows what was written: the producer
 * is spent, every further call rejects with `E_PRODUCER_SPENT`, and its owner makes a new one. Records that are
 * refused before anything is sent (`E_RECORD_TOO_LARGE`, `E_RECORD_TIMESTAMP`, `E_RECORD_PLACE`) do not spend it.
 */
export interface KafkaProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /** Why it is spent. */
  readonly spent: RevlogError | undefined
  /**
   * Resolves when every record is acknowledged by all in-sync replicas, with the place of each batch in the order in
   * which they were sent: for one partition ascending, and without a gap unless someone else writes to it too.
   * A second call before the first has settled rejects with `E_PRODUCER_BUSY`.
   */
  send(records: readonly ProducerRecord[], options?: CallOptions): Promise<readonly Appended[]>
}

/** `begin`, then `send` and `sendOffsets`, then `commit` or `abort`. Anything that fails spends the producer. */
export interface TransactionalProducer extends KafkaProducer {
  readonly transactionalId: string
  begin(): void
  /** Offsets of the group become part of the transaction; the broker checks generation and member (KIP-447). */
  sendOffsets(member: GroupMember, offsets: readonly OffsetToCommit[], options?: CallOptions): Promise<void>
  /** Resolved: committed. Rejected: unknown; ask the group's offsets after a new InitProducerId. */
  commit(options?: CallOptions): Promise<void>
  abort(options?: CallOptions): Promise<void>
}

/** Who commits. Without member the broker checks nothing but that the group is empty. */
export interface GroupMember {
  readonly group: string
  readonly memberId?: string
  readonly generation?: number
  /** Of a static member (KIP-345). */
  readonly instanceId?: string | undefined
}

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to be read. */
  readonly offset: number
  readonly metadata?: string
}

export interface CommittedOffsetsOptions extends CallOptions {
  /** Waits until no transaction with offsets of this group is pending. `true` when absent. */
  readonly requireStable?: boolean
}

export interface CommittedOffset extends TopicPartition {
  /** `undefined` when none was committed. */
  readonly offset: number | undefined
  readonly metadata: string | undefined
}
