import type { LogRecord, ProducerRecord } from '../core/record.js'

/** How a topic forgets. */
export interface TopicConfig {
  /** `delete` forgets by age, `compact` keeps the last record of each key. */
  readonly cleanupPolicy: 'delete' | 'compact'
  /** For `delete`: how old a record may become, by its own timestamp. Without it records stay for ever. */
  readonly retentionMs?: number
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
  readonly config: TopicConfig
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly config: TopicConfig
}

/** Where records of one partition were put, in the order in which they were given. */
export interface Appended {
  readonly topic: string
  readonly partition: number
  /** The offset of the first; the next one has the offset after it. */
  readonly baseOffset: number
  readonly count: number
}

export interface FetchRequest {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** 10,000 when absent. */
  readonly maxRecords?: number
  /** Keys, values and headers together, 1 MiB when absent. The first record comes however large it is. */
  readonly maxBytes?: number
}

export interface Fetched {
  readonly records: readonly LogRecord[]
  /** Where to go on: after the last record, and past offsets that compaction has emptied. */
  readonly nextOffset: number
  /** The offset that the next record written will get. */
  readonly endOffset: number
  /** The first offset that may still be there. */
  readonly logStartOffset: number
}

/** A place in the log to wait at. */
export interface WaitPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/**
 * What the service and the command line need from a log. The embedded broker and Kafka stand behind it alike.
 *
 * Errors are `RevlogError`s: `E_TOPIC_UNKNOWN`, `E_TOPIC_EXISTS`, `E_PARTITION_UNKNOWN`, `E_OFFSET_OUT_OF_RANGE`,
 * `E_RECORD_KEY` (a compacted topic needs keys), `E_RECORD_TOO_LARGE`, `E_LOG_CORRUPT`, `E_BROKER_CLOSED`.
 */
export interface Broker {
  createTopic(topic: NewTopic): Promise<TopicDescription>
  /** `undefined` when there is no such topic. */
  describeTopic(name: string): Promise<TopicDescription | undefined>
  /** By name, ascending. */
  listTopics(): Promise<readonly TopicDescription[]>
  /**
   * Resolves when every record is durable. Records of one partition keep their order, within a call and from
   * call to call. When it rejects none was acknowledged, though some may have been written.
   */
  produce(records: readonly ProducerRecord[]): Promise<readonly Appended[]>
  /** What is there now; it does not wait. */
  fetch(request: FetchRequest): Promise<Fetched>
  /** The end offset of each partition. */
  endOffsets(topic: string): Promise<readonly number[]>
  /** Resolves with true once any of the partitions has a record at or after its offset, or with false when the time is over. */
  waitForData(positions: readonly WaitPosition[], timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

export const DEFAULT_MAX_RECORDS = 10_000
export const DEFAULT_MAX_BYTES = 1 << 20
