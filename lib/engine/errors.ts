import { type Coordinates, messageOf, RevlogError } from '../core/errors.js'
import type { Counter, Metrics } from '../core/metrics.js'
import type { Header, Headers, LogRecord, ProducerRecord } from '../core/record.js'
import type { DropReason } from '../topology/processor.js'

/** What happens to a record that cannot be processed: stop the task, count and go on, or send it away and go on. */
export type ErrorPolicy = 'fail' | 'skip' | 'dead-letter'

/** Who decides what happens to bad records. Kafka Streams' exception handlers, as values. */
export interface ErrorPolicies {
  /** Bytes that a serde or schema refuses. Default `fail`. */
  readonly deserialization: ErrorPolicy
  /** A user's function that throws. Default `fail`. */
  readonly processing: ErrorPolicy
  /** An event time that is absent, negative or no number. Default `fail`. */
  readonly timestamp: ErrorPolicy
  /** Where `dead-letter` sends records, and where every dropped record goes when it is named. */
  readonly deadLetterTopic: string | undefined
}

export const FAIL_ON_ERROR: ErrorPolicies = Object.freeze({
  deserialization: 'fail',
  processing: 'fail',
  timestamp: 'fail',
  deadLetterTopic: undefined,
})

/**
 * @param inputs the topics that a task reads.
 * @throws RevlogError `E_DEAD_LETTER` when dead letters have no topic to go to, or one that would come back.
 */
export function checkPolicies(policies: ErrorPolicies, inputs: readonly string[]): void {
  const { deadLetterTopic } = policies
  const policy = (['deserialization', 'processing', 'timestamp'] as const).find(
    (kind) => policies[kind] === 'dead-letter',
  )
  if (policy !== undefined && deadLetterTopic === undefined) {
    throw new RevlogError('E_DEAD_LETTER', `onError.${policy} is 'dead-letter' and no topic is named`, {
      remedy: 'name one in onError.deadLetterTopic',
    })
  }
  if (deadLetterTopic !== undefined && inputs.includes(deadLetterTopic)) {
    throw new RevlogError(
      'E_DEAD_LETTER',
      `the dead-letter topic ${deadLetterTopic} is read by the topology`,
      {
        remedy: 'name a topic in onError.deadLetterTopic that the topology does not read',
      },
    )
  }
}

/** Headers of a dead letter, beside the headers that the record had. */
export const DEAD_LETTER_HEADERS = Object.freeze({
  reason: 'revlog-error-reason',
  code: 'revlog-error-code',
  message: 'revlog-error-message',
  task: 'revlog-error-task',
  operator: 'revlog-error-operator',
  topic: 'revlog-error-topic',
  partition: 'revlog-error-partition',
  offset: 'revlog-error-offset',
})

/** The source record that a task is working on. One object for the task's life: its fields change. */
export interface Current {
  topic: string
  raw: LogRecord | undefined
}

export interface Failures {
  /** Decides about something thrown by `operator`: returns when the policy is to go on, else throws with coordinates. */
  readonly handle: (
    policy: ErrorPolicy,
    reason: DropReason,
    thrown: unknown,
    operator: string | undefined,
  ) => void
  /** Counts a drop and sends the source record to the dead-letter topic, if there is one. */
  readonly drop: (reason: DropReason, operator: string | undefined, deadLetter: boolean) => void
  /** Sends the source record to another topic. */
  readonly divert: (topic: string, reason: DropReason, operator: string | undefined, headers: Headers) => void
}

export function createFailures(
  task: string,
  partition: number,
  policies: ErrorPolicies,
  metrics: Metrics,
  current: Current,
  send: (record: ProducerRecord) => void,
): Failures {
  // What was decided to stop the task passes every other catch on its way out.
  const decided = new WeakSet<RevlogError>()
  const counters = new Map<string, Counter>()
  const count = (reason: DropReason): void => {
    let counter = counters.get(reason)
    if (counter === undefined) {
      counter = metrics.counter(`dropped-records.${reason}`)
      counters.set(reason, counter)
    }
    counter.add()
  }
  const where = (operator: string | undefined): Coordinates => ({
    task,
    ...(operator === undefined ? {} : { operator }),
    ...(current.raw === undefined ? {} : { topic: current.topic, partition, offset: current.raw.offset }),
  })
  const sendSource = (
    topic: string,
    reason: DropReason,
    at: Coordinates,
    error: RevlogError | undefined,
    more: Headers,
  ): void => {
    const { raw } = current
    if (raw === undefined) return // a punctuation has no source record
    const text = (key: string, value: string | number | undefined): Header[] =>
      value === undefined ? [] : [{ key, value: Buffer.from(String(value)) }]
    const h = DEAD_LETTER_HEADERS
    send({
      topic,
      partition: undefined,
      key: raw.key,
      value: raw.value,
      timestamp: raw.timestamp,
      headers: [
        ...raw.headers,
        ...more,
        ...text(h.reason, reason),
        ...text(h.code, error?.code),
        ...text(h.message, error?.problem),
        ...text(h.task, task),
        ...text(h.operator, at.operator),
        ...text(h.topic, current.topic),
        ...text(h.partition, partition),
        ...text(h.offset, raw.offset),
      ],
    })
  }
  return {
    handle(policy, reason, thrown, operator) {
      if (thrown instanceof RevlogError && decided.has(thrown)) throw thrown
      const at = where(operator)
      const error = attribute(reason, thrown, at)
      if (policy === 'fail' || error.code === 'E_INVARIANT') {
        decided.add(error)
        throw error
      }
      count(reason)
      if (policies.deadLetterTopic !== undefined) sendSource(policies.deadLetterTopic, reason, at, error, [])
    },
    drop(reason, operator, deadLetter) {
      count(reason)
      if (deadLetter && policies.deadLetterTopic !== undefined) {
        sendSource(policies.deadLetterTopic, reason, where(operator), undefined, [])
      }
    },
    divert(topic, reason, operator, headers) {
      count(reason)
      sendSource(topic, reason, where(operator), undefined, headers)
    },
  }
}

const REMEDIES: { readonly [reason: string]: string | undefined } = {
  'deserialization-error':
    "fix the producer or the topic's serde, or set onError.deserialization to 'skip' or 'dead-letter'",
  'processing-error': "fix the function, or set onError.processing to 'skip' or 'dead-letter'",
  'invalid-timestamp':
    "fix the topic's timestamp extractor, or set onError.timestamp to 'skip' or 'dead-letter'",
}

const CODES: { readonly [reason: string]: `E_${string}` | undefined } = {
  'deserialization-error': 'E_DESERIALIZATION',
  'processing-error': 'E_PROCESSING',
  'invalid-timestamp': 'E_TIMESTAMP',
}

function attribute(reason: DropReason, thrown: unknown, at: Coordinates): RevlogError {
  const remedy = REMEDIES[reason]
  if (thrown instanceof RevlogError) {
    const located = thrown.located(at)
    if (located.remedy !== undefined || remedy === undefined) return located
    return new RevlogError(located.code, located.problem, {
      at: located.at,
      cause: thrown.cause,
      remedy,
    })
  }
  return new RevlogError(CODES[reason] ?? 'E_PROCESSING', messageOf(thrown), {
    at,
    cause: thrown,
    ...(remedy === undefined ? {} : { remedy }),
  })
}
