import { RevlogError } from '../../../core/errors.js'
import type { OffsetToCommit } from '../kafka-client.js'
import { type OffsetFetchAnswer, offsetCommitRequest, offsetFetchRequest } from '../wire/offsets.js'
import { fatalError, meaningOf } from './answers.js'
import type { Coordinator } from './coordinator.js'
import type { CommittedOffset, CommittedOffsets, TopicPartitions } from './member.js'
import type { Who } from './requests.js'
import { backoff, now } from './timing.js'

/** One swallowed answer leaves time for more tries. */
const answerMs = (patienceMs: number): number => Math.max(1_000, patienceMs / 4)
const FETCH_PATIENCE_MS = 60_000

export const migrated = (what: string): RevlogError =>
  new RevlogError('E_TASK_MIGRATED', `${what}: nothing was committed`, {
    remedy: 'drop the tasks; what they did not commit is processed again by their new owner',
  })

const unconfirmed = (why: string, cause?: unknown): RevlogError =>
  new RevlogError('E_COMMIT_UNCONFIRMED', `${why}: the offsets may or may not be committed`, {
    cause,
    remedy: 'commit again',
  })

/**
 * Commits as `who()`, asked before every try. `expelled` is told when the coordinator does not know that member in
 * that generation.
 */
export async function commitOffsets(
  coordinator: Coordinator,
  who: () => Who | undefined,
  offsets: readonly OffsetToCommit[],
  patienceMs: number,
  expelled: (code: number) => void,
): Promise<void> {
  const until = now() + patienceMs
  for (let attempt = 0; ; attempt++) {
    const me = who()
    if (me === undefined) throw migrated('the generation has passed')
    const failure = await tryCommit(coordinator, me, offsets, answerMs(patienceMs), expelled)
    if (failure === undefined) return
    if (now() > until) throw failure
    await backoff(attempt)
  }
}

/** Nothing when it is committed; what to say at the end when another try may help. */
async function tryCommit(
  coordinator: Coordinator,
  me: Who,
  offsets: readonly OffsetToCommit[],
  timeoutMs: number,
  expelled: (code: number) => void,
): Promise<RevlogError | undefined> {
  let partitions: readonly { readonly topic: string; readonly errorCode: number }[]
  try {
    partitions = await coordinator.ask(offsetCommitRequest(me, offsets), timeoutMs)
  } catch (error) {
    if (error instanceof RevlogError) throw error
    return unconfirmed('the coordinator did not answer', error)
  }
  const meanings = partitions.map((p) => ({ ...p, meaning: meaningOf(p.errorCode) }))
  const worst = (['expelled', 'fatal', 'rebalance', 'elsewhere'] as const)
    .map((meaning) => meanings.find((m) => m.meaning === meaning))
    .find((found) => found !== undefined)
  if (worst === undefined) return undefined
  // A fenced instance (82) is as far from its tasks as an unknown member.
  if (worst.meaning === 'expelled' || worst.errorCode === 82) {
    expelled(worst.errorCode)
    throw migrated(`the group has gone on without this member (Kafka's error ${worst.errorCode})`)
  }
  if (worst.meaning === 'fatal') throw fatalError(worst.errorCode, me.group, worst.topic)
  // Between the join and the assignment nobody may commit: the caller learns by the next assignment what it still has.
  if (worst.meaning === 'rebalance') throw unconfirmed('the group is about to distribute its tasks')
  coordinator.forget()
  return unconfirmed(`the coordinator is moving or loading (Kafka's error ${worst.errorCode})`)
}

/** Committed offsets, asked for until the coordinator has them. */
export async function fetchOffsets(
  coordinator: Coordinator,
  partitions: readonly TopicPartitions[],
): Promise<CommittedOffsets> {
  const until = now() + FETCH_PATIENCE_MS
  const places = partitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
  for (let attempt = 0; ; attempt++) {
    const cause = await coordinator
      .ask(offsetFetchRequest(coordinator.group, places, true), answerMs(FETCH_PATIENCE_MS / 3))
      .then(
        (answer) => {
          const failed = [answer, ...answer.partitions].find((a) => a.errorCode !== 0)
          if (failed === undefined) return answer.partitions
          if (meaningOf(failed.errorCode) === 'fatal') throw fatalError(failed.errorCode, coordinator.group)
          coordinator.forget()
          return new Error(`Kafka's error ${failed.errorCode}`)
        },
        (error: unknown) => {
          if (error instanceof RevlogError) throw error
          return error as Error
        },
      )
    if (!(cause instanceof Error)) return index(cause)
    if (now() > until) {
      throw new RevlogError('E_GROUP_UNREACHABLE', `no committed offsets of group ${coordinator.group}`, {
        cause,
        remedy: 'see that the brokers run and that __consumer_offsets has a leader',
      })
    }
    await backoff(attempt)
  }
}

/** An offset below 0 is what Kafka says when there is none, and what some clients commit by mistake. */
function index(fetched: OffsetFetchAnswer['partitions']): CommittedOffsets {
  const topics = new Map<string, Map<number, CommittedOffset>>()
  for (const { topic, partition, offset, metadata } of fetched) {
    if (offset < 0 || !Number.isSafeInteger(offset)) continue
    const known = topics.get(topic) ?? new Map<number, CommittedOffset>()
    topics.set(topic, known)
    known.set(partition, { offset, metadata: metadata ?? '' })
  }
  return (topic, partition) => topics.get(topic)?.get(partition)
}
