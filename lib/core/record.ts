/** One header of a record. Names may repeat and their order is kept, as in Kafka. */
export interface Header {
  readonly key: string
  readonly value: Buffer | undefined
}

export type Headers = readonly Header[]

export const NO_HEADERS: Headers = Object.freeze([])

/**
 * What flows through a topology. `timestamp` is event time in milliseconds since the epoch.
 * A value of `undefined` is a tombstone; `null`, `0`, `''` and `{}` are values.
 */
export interface Record<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: Headers
}

/**
 * What flows out of a table: the value that a key has now, and the one it had. `undefined` means "no value".
 * Downstream aggregates subtract the old and add the new one, which is how they correct themselves.
 */
export interface Change<V> {
  readonly newValue: V | undefined
  readonly oldValue: V | undefined
  /**
   * A version of a table with history that is not the latest one of its key: it came out of order. Streams pass it
   * on, aggregates leave it out (KIP-914).
   */
  readonly outdated?: boolean
}

/** A record as a log holds it: bytes, with its place. `key` and `value` are `undefined` where Kafka has null. */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds since the epoch; -1 when the log has none. */
  readonly timestamp: number
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly headers: Headers
}

/** A record on its way to a log. Without `partition` the key's murmur2 hash decides, as in Kafka. */
export interface ProducerRecord {
  readonly topic: string
  readonly partition: number | undefined
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly timestamp: number
  readonly headers: Headers
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The last header of that name, as Kafka's `lastHeader`. */
export function lastHeader(headers: Headers, key: string): Buffer | undefined {
  for (let i = headers.length - 1; i >= 0; i--) {
    const header = headers[i]
    if (header !== undefined && header.key === key) return header.value
  }
  return undefined
}
