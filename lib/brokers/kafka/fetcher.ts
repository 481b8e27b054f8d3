import { RevlogError } from '../../core/errors.js'
import { placeKey } from './ask-leaders.js'
import type { Cluster } from './cluster.js'
import type { FetchedPartition, Fetcher, FetcherOptions, FetchPosition, PollOptions } from './kafka-client.js'
import { listOffsets } from './list-offsets.js'
import { passes } from './retry.js'
import { settleWithin } from './settle.js'
import { createBatchReader, decodeBatches } from './wire/decode-batches.js'
import { kafkaError, kafkaErrorOf } from './wire/error-codes.js'
import { type FetchAnswer, fetchRequest, type PartitionAnswer } from './wire/fetch.js'

const MIB = 1024 * 1024
const DEFAULT_MAX_BYTES = 4 * MIB
const DEFAULT_MAX_PARTITION_BYTES = MIB
const DEFAULT_MAX_DECODED_BYTES = 32 * MIB
const DEFAULT_MAX_BATCH_BYTES = 128 * MIB
/** A topic that was just created is not known to every broker yet. */
const UNKNOWN_TOPIC_MS = 5_000
/** So that a broker which is away is not asked a thousand times a second while others have data. */
const REST_MS = 50

export function createFetcher(cluster: Cluster, options: FetcherOptions): Fetcher {
  const {
    isolation,
    maxBytes = DEFAULT_MAX_BYTES,
    maxPartitionBytes = DEFAULT_MAX_PARTITION_BYTES,
    maxDecodedBytes = DEFAULT_MAX_DECODED_BYTES,
    maxBatchBytes = DEFAULT_MAX_BATCH_BYTES,
    lazy = false,
  } = options
  const committed = isolation === 'read_committed'
  const lane = cluster.lane()
  /** By broker: the request under way there, which never rejects. */
  const underWay = new Map<number, Promise<void>>()
  const arrived: Arrival[] = []
  /** Since when a topic has been unknown, by name. */
  const unknownSince = new Map<string, number>()
  const restUntil = new Map<string, number>()
  let lastFailure: RevlogError | undefined
  let polling = false

  const ask = (leader: number, partitions: readonly FetchPosition[], maxWaitMs: number): void => {
    const request = fetchRequest({
      committed,
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      maxPartitionBytes,
      partitions,
    })
    const settled = lane.send(leader, request, { waitMs: maxWaitMs }).then(
      (answer) => {
        const { errorCode } = answer
        if (errorCode === 0) arrived.push({ partitions, answer })
        else arrived.push({ partitions, failure: kafkaError(errorCode, 'a broker does not answer a fetch') })
      },
      (failure: RevlogError) => void arrived.push({ partitions, failure }),
    )
    underWay.set(
      leader,
      settled.then(() => void underWay.delete(leader)),
    )
  }

  /** An answer's part; an error when there is nothing to tell but a reason to ask again. */
  const take = (offset: number, answer: PartitionAnswer): FetchedPartition | RevlogError => {
    const { topic, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, bytes } = answer
    const place = { topic, partition, offset }
    if (errorCode !== 0) {
      const error = kafkaError(errorCode, 'it cannot be read', place)
      if (!passes(error) || unknownForLong(error, topic)) return unreadable(place, error)
      rest(topic, error)
      return error
    }
    unknownSince.delete(topic)
    const ends = { highWatermark, lastStableOffset, logStartOffset, bytes: bytes.length, error: undefined }
    const nothing = { ...place, records: [], batches: undefined, nextOffset: offset, ...ends }
    if (bytes.length === 0) return nothing
    try {
      const from = { ...place, aborted: committed ? answer.aborted : undefined, maxBatchBytes }
      if (!lazy) return { ...nothing, ...decodeBatches(bytes, { ...from, maxDecodedBytes }) }
      const batches = createBatchReader(bytes, from)
      return { ...nothing, batches, nextOffset: batches.endOffset }
    } catch (error) {
      if (error instanceof RevlogError) return unreadable(place, error)
      throw error
    }
  }

  /** After a failure that passes, a topic is looked up again and not asked for a moment. */
  const rest = (topic: string, failure: RevlogError): void => {
    lastFailure = failure
    if (kafkaErrorOf(failure)?.staleMetadata !== false) cluster.forgetTopic(topic)
    restUntil.set(topic, performance.now() + REST_MS)
  }
  const isAwake = ({ topic }: FetchPosition): boolean => (restUntil.get(topic) ?? 0) <= performance.now()

  const unknownForLong = (error: RevlogError, topic: string): boolean => {
    if (error.code !== 'E_TOPIC_UNKNOWN') return false
    const now = performance.now()
    const since = unknownSince.get(topic) ?? now
    unknownSince.set(topic, since)
    return now - since > UNKNOWN_TOPIC_MS
  }

  /** Asks the leaders that are not being asked; what cannot be asked for good is a result already. */
  const askLeaders = async (
    positions: readonly FetchPosition[],
    poll: PollOptions,
  ): Promise<FetchedPartition[]> => {
    const awake = positions.filter(isAwake)
    const leaders = await cluster.leaders(awake, poll.signal)
    const groups = new Map<number, FetchPosition[]>()
    const failed: FetchedPartition[] = []
    awake.forEach((position, i) => {
      const leader = leaders[i]!
      if (leader instanceof RevlogError) {
        if (!passes(leader) || unknownForLong(leader, position.topic))
          failed.push(unreadable(position, leader))
        else rest(position.topic, leader)
        return
      }
      const group = groups.get(leader)
      if (group !== undefined) group.push(position)
      else if (!underWay.has(leader)) groups.set(leader, [position])
    })
    for (const [leader, group] of groups) ask(leader, group, poll.maxWaitMs)
    return failed
  }

  /** What there is instead of a position that is out of range. */
  const explain = async (
    results: readonly FetchedPartition[],
    poll: PollOptions,
  ): Promise<FetchedPartition[]> => {
    const places = results.filter(({ error }) => error?.code === 'E_OFFSET_OUT_OF_RANGE')
    if (places.length === 0) return [...results]
    const ask = (at: 'earliest' | 'latest') =>
      listOffsets(
        cluster,
        places.map(({ topic, partition }) => ({ topic, partition, at })),
        { ...poll, isolation },
      )
    const [first, last] = await Promise.all([ask('earliest'), ask('latest')])
    return results.map((result) => {
      const i = places.indexOf(result)
      return i < 0 ? result : outOfRange(result, first[i]!.offset!, last[i]!.offset!)
    })
  }

  /** One attempt: waits for the first answer and takes what has come. */
  const attempt = async (
    positions: readonly FetchPosition[],
    poll: PollOptions,
  ): Promise<FetchedPartition[]> => {
    const results = arrived.length === 0 ? await askLeaders(positions, poll) : []
    if (arrived.length === 0 && results.length === 0) {
      // Everything is at rest after a failure: it is told, and the pause before the next attempt is the rest.
      if (underWay.size === 0) throw lastFailure ?? noAnswer()
      await settleWithin(Promise.race(underWay.values()), Number.POSITIVE_INFINITY, poll.signal, noAnswer)
    }
    const wanted = new Map(positions.map((position) => [placeKey(position), position.offset]))
    let failure: RevlogError | undefined
    for (const arrival of arrived.splice(0)) {
      if ('failure' in arrival) {
        for (const { topic } of arrival.partitions) rest(topic, arrival.failure)
        failure = arrival.failure
        continue
      }
      const asked = new Map(arrival.partitions.map((position) => [placeKey(position), position.offset]))
      for (const answer of arrival.answer.partitions) {
        const offset = asked.get(placeKey(answer))
        if (offset === undefined || wanted.get(placeKey(answer)) !== offset) continue
        const result = take(offset, answer)
        if (result instanceof RevlogError) failure = result
        else results.push(result)
      }
    }
    if (results.length === 0 && failure !== undefined) throw failure
    return results
  }

  return {
    async poll(positions, poll) {
      if (polling) {
        throw new RevlogError('E_FETCHER_BUSY', 'a poll was called before the last one had settled', {
          remedy: 'await each poll, or use one fetcher for each reader',
        })
      }
      if (positions.length === 0) return []
      polling = true
      try {
        return await cluster.retry(
          poll,
          async (signal) => {
            const attempted = { ...poll, signal }
            return explain(await attempt(positions, attempted), attempted)
          },
          poll.maxWaitMs,
        )
      } finally {
        polling = false
      }
    },
    close: () => lane.close(),
  }
}

type Arrival = { readonly partitions: readonly FetchPosition[] } & (
  | { readonly answer: FetchAnswer }
  | { readonly failure: RevlogError }
)

/** A position that cannot be read, and why. */
const unreadable = ({ topic, partition, offset }: FetchPosition, error: RevlogError): FetchedPartition => ({
  topic,
  partition,
  offset,
  records: [],
  batches: undefined,
  nextOffset: offset,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  bytes: 0,
  error,
})

function outOfRange(result: FetchedPartition, first: number, last: number): FetchedPartition {
  const { topic, partition, offset } = result
  const what =
    offset < first
      ? `the log begins at ${first}: ${first - offset} records are lost`
      : `the log ends at ${last}`
  const error = new RevlogError('E_OFFSET_OUT_OF_RANGE', `there is no offset ${offset}, ${what}`, {
    at: { topic, partition, offset },
    remedy: 'raise the retention of the topic, or decide where to go on',
    cause: result.error?.cause,
  })
  return { ...result, logStartOffset: first, highWatermark: last, lastStableOffset: last, error }
}

const noAnswer = (): RevlogError => new RevlogError('E_BROKER_UNREACHABLE', 'no broker has answered')
