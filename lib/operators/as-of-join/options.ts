import { type Duration, hours } from '../../core/duration.js'
import { RevlogError } from '../../core/errors.js'
import type { Serde } from '../../serdes/serde.js'
import type { SinkTopic } from '../../topology/topic.js'

export type How = 'left' | 'inner'

/** Options of `asOfJoin`. Durations are event time unless it says otherwise. */
export interface AsOfJoinOptions<K, L, R, Out, H extends How = 'left', Id extends string = string> {
  /** Names the store, and so its part of the changelog. */
  readonly name: string
  /**
   * The key of an answer, by which its revisions are known: a business id of the left event, best. Without it the
   * left record's `topic-partition-offset`. One id belongs to one join key: under two keys it would be in two
   * partitions, whose revisions cannot be compared.
   */
  readonly id?: (left: L, key: K) => Id
  /** The serde of ids; `string()` when absent. */
  readonly idKey?: Serde<Id>
  /** The serde of answers, for what comes after and needs one (a topic has its own). */
  readonly value?: Serde<any, Out>
  /** Makes the answer. Called again for old answers, so it must be pure; `undefined` is no answer. */
  readonly join: (left: L, right: H extends 'inner' ? R : R | undefined, key: K) => Out
  /** `left` (default): an event without a match is joined with `undefined`. `inner`: it has no answer. */
  readonly how?: H
  /** How late a record of either side may be and still be answered exactly. */
  readonly gracePeriod: Duration
  /** No match when the version is older than this, counted from the event. Inclusive. */
  readonly tolerance?: Duration
  /** Whether a version at the very time of the event matches. Default true. */
  readonly allowExactMatches?: boolean
  /**
   * Decides between versions of one time, the greater wins; the later in the log when absent or equal. A tombstone
   * has no value to take it from: its sequence is 0.
   */
  readonly sequence?: (right: R) => number
  /** `eager` (default): each correction at once. `every`: one review in that time, with one correction at most for an answer. */
  readonly corrections?: 'eager' | { readonly every: Duration }
  /** `early` (default): answers at once, corrects later. `final`: one answer, when it cannot change any more. */
  readonly emit?: 'early' | 'final'
  /** Holds the first answer back for so long; at most the grace period. */
  readonly delay?: Duration
  /** Also emits each answer once more when it becomes final, with the header `revlog-final`. */
  readonly finals?: boolean
  /**
   * What becomes of a left event behind the horizon: `emit` answers it once, marked late; `side` sends it to the
   * `side` topic; `drop` counts it. Default `side` with a business id, whose final answer a fresh one would win
   * over, and `emit` without.
   */
  readonly late?: 'emit' | 'drop' | 'side'
  /** Where late records go, as they came. Without it they are counted, and go to the dead-letter topic if there is one. */
  readonly side?: SinkTopic<any, any>
  /** Whether two answers are the same. Deep equality when absent. */
  readonly equals?: (a: Out, b: Out) => boolean
  /** How long a deletion is remembered after it is behind the horizon. Default 24 hours. */
  readonly tombstoneRetention?: Duration
  /**
   * Wall-clock time after which a silent side no longer holds the horizon back. Default never: what a side sends
   * after it was left out may be late by this choice.
   */
  readonly idleAfter?: Duration
}

/** The options as the operator uses them. */
export interface Settings {
  readonly how: How
  readonly grace: number
  readonly tolerance: number
  readonly allowExactMatches: boolean
  readonly reviewEvery: Duration | undefined
  readonly emitFinal: boolean
  readonly delay: number
  readonly finals: boolean
  readonly late: 'emit' | 'drop' | 'side'
  readonly side: string | undefined
  readonly tombstoneRetention: number
  readonly idleAfter: Duration | undefined
}

export function settingsOf(options: AsOfJoinOptions<any, any, any, any, How, any>): Settings {
  const { name, how = 'left', emit = 'early', corrections = 'eager', delay = 0, finals = false } = options
  const reject = (problem: string, remedy: string): never => {
    throw new RevlogError('E_AS_OF_JOIN_OPTIONS', problem, { at: { operator: name }, remedy })
  }
  if (!(options.gracePeriod >= 0))
    reject('gracePeriod is missing', 'say how late a record may be: gracePeriod: minutes(10)')
  if (emit === 'final' && delay > 0) {
    reject(
      "delay has no meaning with emit: 'final'",
      'leave one of them out: a final answer waits as long as it must',
    )
  }
  if (delay > options.gracePeriod) {
    reject(
      'delay is longer than gracePeriod, so answers would be final, and forgotten, before they are given',
      "give a delay of at most the grace period, or emit: 'final'",
    )
  }
  if (emit === 'final' && finals)
    reject("finals has no meaning with emit: 'final'", 'leave finals out: every answer is final')
  if (corrections !== 'eager' && !(corrections.every > 0)) {
    reject(
      'corrections.every is no length of time',
      "give a duration, corrections: { every: seconds(30) }, or 'eager'",
    )
  }
  return {
    how,
    grace: options.gracePeriod,
    tolerance: options.tolerance ?? Infinity,
    allowExactMatches: options.allowExactMatches ?? true,
    reviewEvery: corrections === 'eager' ? undefined : corrections.every,
    emitFinal: emit === 'final',
    delay,
    finals,
    late: options.late ?? (options.id === undefined ? 'emit' : 'side'),
    side: options.side?.name,
    tombstoneRetention: options.tombstoneRetention ?? hours(24),
    idleAfter: options.idleAfter,
  }
}
