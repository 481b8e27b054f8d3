import { createReader, type ProtocolReader } from './protocol-reader.js'
import { createWriter, type ProtocolWriter } from './protocol-writer.js'

/** One request in one version, and how its answer reads. The header, with its correlation id, is the transport's. */
export interface Request<Answer> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  encode(): Buffer
  /**
   * @param throttled told how many milliseconds the broker will not read from this connection (KIP-219)
   * @throws RevlogError `E_KAFKA_PROTOCOL`
   */
  decode(answer: Buffer, throttled?: (ms: number) => void): Answer
}

export interface Api {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  /** Its version has compact lengths and tagged fields (KIP-482). */
  readonly flexible?: boolean
  /** Where its answer has the time for which the broker throttles this client; `first` when absent. */
  readonly throttle?: 'first' | 'last' | 'none'
  /** About how large a request is. */
  readonly bytes?: number
}

export function request<Answer>(
  api: Api,
  write: (writer: ProtocolWriter) => void,
  read: (reader: ProtocolReader) => Answer,
): Request<Answer> {
  const { apiKey, apiVersion, apiName, flexible = false, throttle = 'first' } = api
  return {
    apiKey,
    apiVersion,
    apiName,
    encode() {
      const writer = createWriter(flexible, api.bytes)
      // A flexible request's header ends with tagged fields, which kafkajs does not write.
      writer.end()
      write(writer)
      writer.end()
      return writer.take()
    },
    decode(answer, throttled) {
      const reader = createReader(answer, apiName, flexible)
      reader.end()
      const first = throttle === 'first' ? reader.int32() : 0
      const result = read(reader)
      const ms = throttle === 'last' ? reader.int32() : first
      reader.end()
      if (ms > 0) throttled?.(ms)
      return result
    },
  }
}

/** Groups by topic, as most requests list partitions; topics in the order in which they come first. */
export function byTopic<T extends { readonly topic: string }>(
  items: readonly T[],
): readonly (readonly [topic: string, items: readonly T[]])[] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const list = topics.get(item.topic)
    if (list === undefined) topics.set(item.topic, [item])
    else list.push(item)
  }
  return [...topics]
}
