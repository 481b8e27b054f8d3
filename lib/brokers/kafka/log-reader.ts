import { RevlogError } from '../../core/errors.js'
import type { LogRecord, TopicPartition } from '../../core/record.js'
import {
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_RECORDS,
  type Fetched,
  type FetchRequest,
  type WaitPosition,
} from '../port.js'
import { recordBytes } from '../record-size.js'
import type { FetchedPartition, Fetcher, FetcherOptions, KafkaClient } from './kafka-client.js'

/** Reads what is committed: what a transaction has not decided yet is not there, and the end lies before it. */
export interface LogReader {
  fetch(request: FetchRequest): Promise<Fetched>
  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>
  waitForData(positions: readonly WaitPosition[], timeoutMs: number): Promise<boolean>
}

const ISOLATION = 'read_committed'
/** Who waits asks again so often: a request that has nothing to bring keeps its connection for no longer. */
const MAX_WAIT_MS = 500
/** Who waits wants to know that there is a record, not which: the brokers bring one batch. */
const ONE_BATCH: FetcherOptions = { isolation: ISOLATION, maxBytes: 1, maxPartitionBytes: 1 }

/** What an answer held beyond the limits of the call that asked for it. */
interface Rest extends TopicPartition {
  readonly offset: number
  readonly answer: Fetched
}

export function createLogReader(client: KafkaClient): LogReader {
  const reading = fetchersOf(client, { isolation: ISOLATION })
  const waiting = fetchersOf(client, ONE_BATCH)
  /** Of the last fetch: a batch need not be decoded again for each piece of it. */
  let rest: Rest | undefined

  const endOffsets: LogReader['endOffsets'] = async (partitions) => {
    const queries = partitions.map(({ topic, partition }) => ({ topic, partition, at: 'latest' as const }))
    const listed = await client.listOffsets(queries, { isolation: ISOLATION })
    return listed.map(({ offset }) => offset!)
  }

  const read = ({ topic, partition, offset }: FetchRequest): Promise<Fetched> =>
    reading(async (fetcher) => {
      for (;;) {
        const found = await fetcher.poll([{ topic, partition, offset }], { maxWaitMs: 0 })
        // Nothing at all is the late answer to an earlier question.
        if (found.length > 0) return answerOf(found[0]!)
      }
    })

  /** Whether there is a record at or after an offset that is outside of the log. */
  const isBeforeEnd = async (position: WaitPosition): Promise<boolean> =>
    (await endOffsets([position]))[0]! > position.offset

  return {
    endOffsets,
    async fetch(request) {
      const { topic, partition, offset } = request
      const { maxRecords = DEFAULT_MAX_RECORDS, maxBytes = DEFAULT_MAX_BYTES } = request
      if (!Number.isInteger(offset) || offset < 0) throw outOfRange(request)
      const isRest = rest?.topic === topic && rest.partition === partition && rest.offset === offset
      const answer = isRest ? rest!.answer : await read(request)
      const count = countWithin(answer.records, maxRecords, maxBytes)
      if (count === answer.records.length) {
        if (isRest) rest = undefined
        return answer
      }
      const nextOffset = answer.records[count]!.offset
      const left = { ...answer, records: answer.records.slice(count) }
      rest = { topic, partition, offset: nextOffset, answer: left }
      return { ...answer, records: answer.records.slice(0, count), nextOffset }
    },
    waitForData: (positions, timeoutMs) =>
      waiting(async (fetcher) => {
        const deadline = performance.now() + timeoutMs
        let at = positions
        for (;;) {
          const left = Math.max(0, deadline - performance.now())
          const found = await fetcher.poll(at, { maxWaitMs: Math.min(MAX_WAIT_MS, Math.ceil(left)) })
          if (found.some(({ records }) => records.length > 0)) return true
          for (const { topic, partition, offset, nextOffset, error } of found) {
            if (error === undefined) {
              // Past markers, and batches that compaction has emptied.
              at = at.map((p) => (isSame(p, { topic, partition }) ? { ...p, offset: nextOffset } : p))
            } else if (error.code !== 'E_OFFSET_OUT_OF_RANGE') throw error
            else if (await isBeforeEnd({ topic, partition, offset })) return true
            else await pause(Math.min(MAX_WAIT_MS, left))
          }
          if (left === 0) return false
        }
      }),
  }
}

/** A fetcher has one poll at a time, and connections of its own: when it is not used it waits for the next call. */
function fetchersOf(client: KafkaClient, options: FetcherOptions) {
  const idle: Fetcher[] = []
  return async <T>(use: (fetcher: Fetcher) => Promise<T>): Promise<T> => {
    const fetcher = idle.pop() ?? client.fetcher(options)
    try {
      return await use(fetcher)
    } finally {
      idle.push(fetcher)
    }
  }
}

function answerOf(found: FetchedPartition): Fetched {
  const { records, nextOffset, lastStableOffset, logStartOffset, error } = found
  if (error !== undefined) throw error
  return { records, nextOffset, endOffset: lastStableOffset, logStartOffset }
}

/** How many of the records a call may take: the first one whatever its size. */
function countWithin(records: readonly LogRecord[], maxRecords: number, maxBytes: number): number {
  let bytes = 0
  const most = Math.min(records.length, Math.max(1, maxRecords))
  for (let i = 0; i < most; i++) {
    bytes += recordBytes(records[i]!)
    if (bytes > maxBytes && i > 0) return i
  }
  return most
}

const outOfRange = ({ topic, partition, offset }: FetchRequest): RevlogError =>
  new RevlogError('E_OFFSET_OUT_OF_RANGE', `${offset} is no offset`, { at: { topic, partition } })

const isSame = (a: TopicPartition, b: TopicPartition): boolean =>
  a.partition === b.partition && a.topic === b.topic

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
