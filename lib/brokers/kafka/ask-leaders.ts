import { RevlogError } from '../../core/errors.js'
import type { TopicPartition } from '../../core/record.js'
import type { Cluster } from './cluster.js'
import { passes } from './retry.js'
import { kafkaErrorCode, kafkaErrorOf } from './wire/error-codes.js'
import type { Request } from './wire/request.js'

/** A place as the key of a map. Topic names have no `/`. */
export const placeKey = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

export interface Question<Item extends TopicPartition, Answer extends TopicPartition> {
  /** One request for all of these, which have one leader. */
  request(items: readonly Item[]): Request<readonly Answer[]>
  /** Takes the answer for an item, or says why it is none. */
  take(item: Item, answer: Answer): RevlogError | undefined
}

/**
 * Asks the leaders of some partitions, each with one request, all at once. When every request has settled it rejects
 * with a failure if there was one, with one that does not pass if there was such; what was answered well is taken all
 * the same, so that a repetition need only ask for the rest.
 */
export async function askLeaders<Item extends TopicPartition, Answer extends TopicPartition>(
  cluster: Cluster,
  items: readonly Item[],
  question: Question<Item, Answer>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const leaders = await cluster.leaders(items, signal)
  const groups = new Map<number, Item[]>()
  const failures: unknown[] = []
  items.forEach((item, i) => {
    const leader = leaders[i]!
    if (leader instanceof RevlogError) {
      failures.push(leader)
      return
    }
    const group = groups.get(leader)
    if (group === undefined) groups.set(leader, [item])
    else group.push(item)
  })
  await Promise.all(
    [...groups].map(async ([leader, group]) => {
      const request = question.request(group)
      let answers: readonly Answer[]
      try {
        answers = await cluster.main.send(leader, request, { signal })
      } catch (error) {
        // The leader may be gone for good, and another one have taken over.
        for (const { topic } of group) cluster.forgetTopic(topic)
        failures.push(error)
        return
      }
      const found = new Map(answers.map((answer) => [placeKey(answer), answer]))
      for (const item of group) {
        const answer = found.get(placeKey(item))
        const failure = answer === undefined ? unanswered(request, item) : question.take(item, answer)
        if (failure === undefined) continue
        if (kafkaErrorOf(failure)?.staleMetadata === true) cluster.forgetTopic(item.topic)
        failures.push(failure)
      }
    }),
  )
  if (failures.length > 0) throw failures.find((failure) => !passes(failure)) ?? failures[0]
}

const unanswered = ({ apiName }: Request<unknown>, { topic, partition }: TopicPartition): RevlogError =>
  new RevlogError('E_KAFKA_PROTOCOL', `the answer to ${apiName} says nothing about a partition`, {
    at: { topic, partition },
  })

/** Codes after which the coordinator of a group or a transactional id has to be looked for again. */
const MOVED = ['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']

/** Asks a coordinator; looks for it again when it has moved or cannot be reached. */
export async function askCoordinator<Answer>(
  cluster: Cluster,
  kind: 'group' | 'transaction',
  key: string,
  request: Request<Answer>,
  /** The first error in an answer, 0 when there is none. */
  errorCodeOf: (answer: Answer) => number,
  fail: (errorCode: number) => RevlogError,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const nodeId = await cluster.coordinator(kind, key, signal)
  let answer: Answer
  try {
    answer = await cluster.main.send(nodeId, request, { signal })
  } catch (error) {
    cluster.forgetCoordinator(kind, key)
    throw error
  }
  const errorCode = errorCodeOf(answer)
  if (errorCode === 0) return answer
  if (MOVED.includes(kafkaErrorCode(errorCode).name)) cluster.forgetCoordinator(kind, key)
  throw fail(errorCode)
}
