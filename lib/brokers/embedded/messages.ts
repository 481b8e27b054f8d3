import { type Coordinates, messageOf, RevlogError } from '../../core/errors.js'
import type { LogRecord, ProducerRecord } from '../../core/record.js'
import type { Appended, Fetched, FetchRequest, NewTopic, TopicDescription, WaitPosition } from '../port.js'
import { createBatchEncoder, type Numbering } from './batch.js'
import { batchInfo, decodeBatch } from './batch-reader.js'

/** The calls of the port as they are asked for. Records travel as encoded batches behind the JSON. */
export type Request =
  | { readonly call: 'createTopic'; readonly topic: NewTopic }
  | { readonly call: 'describeTopic'; readonly name: string }
  | { readonly call: 'listTopics' }
  | { readonly call: 'produce'; readonly runs: readonly Run[] }
  | { readonly call: 'fetch'; readonly request: FetchRequest }
  | { readonly call: 'endOffsets'; readonly topic: string }
  | { readonly call: 'waitForData'; readonly positions: readonly WaitPosition[]; readonly timeoutMs: number }

/** What each call is answered with. An absent topic is null. */
export interface Answers {
  readonly createTopic: TopicDescription
  readonly describeTopic: TopicDescription | null
  readonly listTopics: readonly TopicDescription[]
  readonly produce: readonly Appended[]
  readonly fetch: Omit<Fetched, 'records'> & { readonly sizes: readonly number[] }
  readonly endOffsets: readonly number[]
  readonly waitForData: boolean
}

/** Consecutive records with the same destination: the lengths of their batches. */
export interface Run {
  readonly topic: string
  /** Absent: the keys decide. */
  readonly partition?: number
  readonly sizes: readonly number[]
}

export function encodeProduce(records: readonly ProducerRecord[]): {
  readonly runs: readonly Run[]
  readonly parts: readonly Buffer[]
} {
  const runs: Run[] = []
  const parts: Buffer[] = []
  for (let from = 0; from < records.length; ) {
    const { topic, partition } = records[from]!
    let end = from + 1
    while (end < records.length && records[end]!.topic === topic && records[end]!.partition === partition)
      end++
    const batches = encodeAll(records.slice(from, end), () => ({ baseOffset: 0 }))
    runs.push({
      topic,
      ...(partition === undefined ? {} : { partition }),
      sizes: batches.map(({ length }) => length),
    })
    for (const batch of batches) parts.push(batch)
    from = end
  }
  return { runs, parts }
}

export function decodeProduce(runs: readonly Run[], bytes: Buffer): ProducerRecord[] {
  const records: ProducerRecord[] = []
  let at = 0
  for (const { topic, partition, sizes } of runs) {
    const end = sizes.reduce((sum, size) => sum + size, at)
    for (const { key, value, timestamp, headers } of decodeAll(sizes, bytes.subarray(at, end))) {
      records.push({ topic, partition, key, value, timestamp, headers })
    }
    at = end
  }
  return records
}

export function encodeFetched({ records, ...rest }: Fetched): {
  readonly answer: Answers['fetch']
  readonly parts: readonly Buffer[]
} {
  const offsets = records.map(({ offset }) => offset)
  const parts = encodeAll(records, () => ({ offsets, deleteHorizon: 0 }))
  return { answer: { ...rest, sizes: parts.map(({ length }) => length) }, parts }
}

export function decodeFetched({ sizes, ...rest }: Answers['fetch'], bytes: Buffer): Fetched {
  return { ...rest, records: decodeAll(sizes, bytes) }
}

function encodeAll(
  records: readonly (LogRecord | ProducerRecord)[],
  numbering: () => Numbering,
): readonly Buffer[] {
  const encoder = createBatchEncoder()
  const parts: Buffer[] = []
  for (let from = 0; from < records.length; ) {
    const batch = encoder.encode(records, from, numbering())
    parts.push(Buffer.from(batch.bytes))
    from += batch.count
  }
  return parts
}

function decodeAll(sizes: readonly number[], bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = []
  const budget = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
  let at = 0
  for (const size of sizes) {
    const batch = bytes.subarray(at, at + size)
    batchInfo(batch)
    decodeBatch(batch, 0, records, budget)
    at += size
  }
  return records
}

/** An error's parts, so that the other side throws the same one. */
export interface WireError {
  readonly code: `E_${string}`
  readonly problem: string
  readonly remedy?: string
  readonly at?: Coordinates
}

export function toWireError(thrown: unknown): WireError {
  if (!(thrown instanceof RevlogError)) return { code: 'E_BROKER', problem: messageOf(thrown) }
  const { code, problem, remedy, at } = thrown
  return { code, problem, at, ...(remedy === undefined ? {} : { remedy }) }
}

export const fromWireError = ({ code, problem, remedy, at = {} }: WireError): RevlogError =>
  new RevlogError(code, problem, { at, ...(remedy === undefined ? {} : { remedy }) })
