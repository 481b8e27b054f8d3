import { deepEqual } from 'fast-equals'
import type { Change, Header } from '../../core/record.js'
import type { ProcessorContext } from '../../topology/processor.js'
import { answerHeaders } from './answers.js'
import { ANSWERED, CORRECTED, ENCODED, type Left, type Version } from './entries.js'
import type { Head } from './heads.js'
import type { Measures } from './measures.js'
import type { JoinParts } from './parts.js'
import type { AsOfState } from './state.js'

/** How an answer came to be emitted. */
export interface Emission {
  readonly cause?: Header
  readonly final?: boolean
  readonly late?: boolean
  readonly historyExpired?: boolean
}

export const FIRST: Emission = Object.freeze({})
export const AS_FINAL: Emission = Object.freeze({ final: true })

/** The times that an answer is measured by. */
export interface Times {
  /** The greatest event time of both sides. */
  readonly clock: () => number
  /** The event time that both sides have reached. */
  readonly bothSidesAt: () => number
}

/** Makes answers from a left event and a version, and emits them. */
export function createAnswering(
  { emit, generation, partition }: ProcessorContext<string, Change<unknown>>,
  { progress, lefts }: AsOfState,
  { settings, leftKeys, leftValues, rightValues, ids, join, equals, leftTopic }: JoinParts,
  versionAt: (head: Head, t: number) => Version | undefined,
  { clock, bothSidesAt }: Times,
  measures: Measures,
) {
  const { how, tolerance } = settings

  function leftValue(left: Left): unknown {
    if (left.value === ENCODED) left.value = leftValues.decode(left.bytes)
    return left.value
  }

  /** `undefined` for no version, a deletion, or one too old. */
  function rightValue(version: Version | undefined | null, t: number): unknown {
    if (version === undefined || version === null || version.bytes === undefined) return undefined
    if (t - version.t > tolerance) return undefined
    if (version.value === ENCODED) version.value = rightValues.decode(version.bytes)
    return version.value
  }

  /** The answer, or `undefined` when there is none. */
  function answer(head: Head, left: Left, version: Version | undefined | null): unknown {
    const right = rightValue(version, left.t)
    if (right === undefined && how === 'inner') return undefined
    return join(leftValue(left), right, joinKey(head))
  }

  function joinKey(head: Head): unknown {
    head.joinKey ??= leftKeys.fromKey(head.key)
    return head.joinKey
  }

  function answerKey({ id, offset, ordinal }: Left): string {
    if (id !== '') return ids.fromKey(id)
    return `${leftTopic}-${partition}-${offset}${ordinal === 0 ? '' : `-${ordinal}`}`
  }

  /** What was answered before: nothing, if `join` threw. That was decided and counted then. */
  function earlierAnswer(head: Head, left: Left, version: Version | undefined | null): unknown {
    try {
      return answer(head, left, version)
    } catch {
      return undefined
    }
  }

  function send(
    left: Left,
    newValue: unknown,
    oldValue: unknown,
    match: Version | undefined,
    how: Emission,
  ): void {
    emit({
      key: answerKey(left),
      value: { newValue, oldValue },
      timestamp: left.t,
      headers: answerHeaders(left.headers, {
        generation,
        leftOffset: left.offset,
        ordinal: left.ordinal,
        rightPosition: progress.rightPosition,
        match: match !== undefined && rightValue(match, left.t) !== undefined ? match : undefined,
        cause: how.cause,
        final: how.final ?? false,
        late: how.late ?? false,
        historyExpired: how.historyExpired ?? false,
      }),
    })
  }

  /** The first answer of a left event; an inner join without a match has none. */
  function answerFirst(head: Head, left: Left, how: Emission): void {
    const match = versionAt(head, left.t)
    left.flags |= ANSWERED
    left.answeredAt = clock()
    const value = answer(head, left, match)
    if (value === undefined) return
    measures.firstAnswers.add()
    send(left, value, undefined, match, how)
  }

  /** An answer that may have changed. */
  function answerAgain(
    head: Head,
    left: Left,
    before: Version | undefined | null,
    now: Version | undefined,
    cause: Header | undefined,
  ): void {
    const oldValue = earlierAnswer(head, left, before)
    const newValue = answer(head, left, now)
    if (same(oldValue, newValue)) {
      measures.suppressed.add()
      return
    }
    measures.correctionGrace.record(Math.max(0, bothSidesAt() - left.t))
    if (oldValue === undefined && (left.flags & CORRECTED) === 0) {
      // An inner join was silent until now: nothing was wrong before.
      measures.firstAnswers.add()
      left.answeredAt = clock()
      lefts.touch(head, left)
    } else {
      measures.corrections.add()
      measures.timeToCorrection.record(clock() - left.answeredAt)
      if ((left.flags & CORRECTED) === 0) {
        left.flags |= CORRECTED
        lefts.touch(head, left)
        measures.correctedAnswers.add()
      }
    }
    send(left, newValue, oldValue, now, cause === undefined ? FIRST : { cause })
  }

  const same = (a: unknown, b: unknown): boolean =>
    a === undefined || b === undefined ? a === b : equals(a, b)

  return { answer, earlierAnswer, send, answerFirst, answerAgain }
}

/** Deep equality of answers; bytes are compared as bytes. */
export const DEFAULT_EQUALS = (a: unknown, b: unknown): boolean =>
  Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : deepEqual(a, b)
