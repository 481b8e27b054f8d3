import { deepEqual } from 'fast-equals'
import type { BinaryKey } from '../../core/binary-key.js'
import { RevlogError } from '../../core/errors.js'
import { withoutRevision } from '../../core/headers.js'
import type { Change, Record } from '../../core/record.js'
import type { KeyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import type { MultiProcessor, ProcessorContext } from '../../topology/processor.js'
import { answerHeaders } from './answers.js'
import { ANSWERED, CORRECTED, ENCODED, type Left, type Version } from './entries.js'
import { createMeasures } from './measures.js'
import type { Settings } from './options.js'
import type { Rules } from './rules.js'
import type { AsOfState } from './state.js'

/** Everything that a task's join is made of. */
export interface JoinParts {
  readonly settings: Settings
  readonly rules: Rules
  readonly leftKeys: KeyCodec<unknown>
  readonly rightKeys: KeyCodec<unknown>
  readonly leftValues: Serde<unknown>
  readonly rightValues: Serde<unknown>
  readonly ids: KeyCodec<string>
  readonly join: (left: unknown, right: unknown, key: unknown) => unknown
  readonly id: ((left: unknown, key: unknown) => string) | undefined
  readonly sequence: ((right: unknown) => number) | undefined
  readonly equals: (a: any, b: any) => boolean
}

/** How an answer came to be emitted. */
interface Emission {
  readonly cause?: string
  readonly final?: boolean
  readonly late?: boolean
  readonly historyExpired?: boolean
}

const FIRST: Emission = Object.freeze({})
const AS_FINAL: Emission = Object.freeze({ final: true })

/**
 * For each left event, the right version of its key that was valid at its time; answered at once, and answered
 * again when a record that comes later shows the answer to be wrong.
 *
 * It keeps, for each key, the right versions and the left events whose answers may still change, both by time. A
 * left event looks up the version valid at its time. A right version at `t` is the answer for the events from `t`
 * until the next version, and for no others: so these are evaluated again, and those whose answer changed are
 * emitted. Nothing else ever changes an answer, which is why the last answers are those of the batch join.
 *
 * An event is final when both sides have got further than its time and the grace period: the horizon. Versions
 * are kept from the horizon on, and of the older ones the newest, the floor, because it is what an event at the
 * horizon sees. What is visible follows from the horizon alone; when rows are really removed changes no answer.
 */
export function createJoin(
  context: ProcessorContext<string, Change<unknown>>,
  state: AsOfState,
  parts: JoinParts,
): MultiProcessor {
  const {
    settings,
    rules,
    leftKeys,
    rightKeys,
    leftValues,
    rightValues,
    ids,
    join,
    id: idOf,
    sequence,
    equals,
  } = parts
  const {
    how,
    grace,
    tolerance,
    allowExactMatches,
    reviewEvery,
    emitFinal,
    delay,
    finals,
    late,
    side,
    tombstoneRetention,
  } = settings
  const { emit, drop, attempt, generation, partition } = context
  const { progress, heads, versions, lefts } = state
  const measures = createMeasures(context.metrics)
  const inclusive = rules.matches(0, 0, allowExactMatches)
  const versionAt = inclusive ? versions.floor : versions.below
  let lastLeftOffset = -1
  let ordinal = 0
  let leftSilent = false
  let rightSilent = false
  let leftTopic = ''

  // Time

  const clock = (): number => Math.max(progress.leftTime, progress.rightTime)

  function bothSidesAt(): number {
    if (leftSilent) return progress.rightTime
    if (rightSilent) return progress.leftTime
    return rules.clock(progress.leftTime, progress.rightTime)
  }

  /** After a side's time went on: what is due by that is emitted before anything else is seen. */
  function moveOn(): void {
    if (delay > 0) for (const due of state.delayed.take(clock() + 1)) answerDelayed(due.key, due.t)
    const horizon = bothSidesAt() - grace
    if (horizon <= progress.horizon) return
    if (progress.reviewFrom !== null && horizon > progress.reviewFrom) review()
    progress.horizon = horizon
    measures.horizon.set(horizon)
    measures.heldBack.set(clock() - bothSidesAt())
    if (emitFinal || finals) for (const due of state.finals.take(horizon)) answerFinally(due.key, due.t)
  }

  /** What is over is removed when its key is met; for keys that are not, see `AsOfState.sweep`. */
  function trim(key: BinaryKey): void {
    const head = heads.get(key)
    if (head !== undefined) heads.trim(head, progress.horizon)
  }

  // Values

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
  function answer(key: BinaryKey, left: Left, version: Version | undefined | null): unknown {
    const right = rightValue(version, left.t)
    if (right === undefined && how === 'inner') return undefined
    return join(leftValue(left), right, leftKeys.fromKey(key))
  }

  function answerKey(left: Left): string {
    left.answerKey ??=
      left.id === ''
        ? `${leftTopic}-${partition}-${left.offset}${left.ordinal === 0 ? '' : `-${left.ordinal}`}`
        : ids.fromKey(left.id)
    return left.answerKey
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
  function answerFirst(key: BinaryKey, left: Left, how: Emission): void {
    const match = versionAt(key, left.t)
    left.flags |= ANSWERED
    left.answeredAt = clock()
    const value = answer(key, left, match)
    if (value === undefined) return
    measures.firstAnswers.add()
    send(left, value, undefined, match, how)
  }

  /** An answer that may have changed. */
  function answerAgain(
    key: BinaryKey,
    left: Left,
    before: Version | undefined | null,
    now: Version | undefined,
    cause: string | undefined,
  ): void {
    const oldValue = answer(key, left, before)
    const newValue = answer(key, left, now)
    if (same(oldValue, newValue)) {
      measures.suppressed.add()
      return
    }
    measures.corrections.add()
    if ((left.flags & CORRECTED) === 0) {
      left.flags |= CORRECTED
      lefts.touch(key, left)
      measures.correctedAnswers.add()
    }
    measures.timeToCorrection.record(clock() - left.answeredAt)
    measures.correctionGrace.record(Math.max(0, bothSidesAt() - left.t))
    send(left, newValue, oldValue, now, cause === undefined ? FIRST : { cause })
  }

  const same = (a: unknown, b: unknown): boolean =>
    a === undefined || b === undefined ? a === b : equals(a, b)

  // Left events

  function onLeft(record: Record<unknown, unknown>): void {
    if (record.key === undefined || record.key === null) return drop('null-key')
    if (record.value === undefined) return drop('null-value')
    const { topic, offset } = context.recordMetadata()!
    leftTopic = topic
    ordinal = offset === lastLeftOffset ? ordinal + 1 : 0
    lastLeftOffset = offset
    const { timestamp: t } = record
    leftSilent = false
    measures.latenessLeft.record(Math.max(0, progress.leftTime - t))
    if (t > progress.leftTime) {
      progress.leftTime = t
      moveOn()
    }
    const key = leftKeys.toKey(record.key)
    trim(key)
    const left: Left = {
      t,
      answerKey: undefined,
      id: idOf === undefined ? '' : businessId(idOf(record.value, record.key)),
      offset,
      ordinal,
      headers: withoutRevision(record.headers),
      bytes: owned(leftValues.encode(record.value), record.value),
      value: record.value,
      flags: 0,
      answeredAt: 0,
      mark: undefined,
    }
    if (!rules.isOpen(t, progress.horizon)) return onLateLeft(key, left)
    const known = left.id === '' ? undefined : openEvent(key, left.id)
    if (known !== undefined) {
      if (known.t === t && known.bytes.equals(left.bytes)) return measures.repeated.add()
      return replace(key, known, left)
    }
    keep(key, left)
    state.sweep()
    if (emitFinal) return
    if (delay > 0 && t + delay > clock()) return state.delayed.put(t + delay, key, t)
    attempt(() => answerFirst(key, left, FIRST))
  }

  function businessId(id: string): BinaryKey {
    const key = id === undefined || id === null ? '' : ids.toKey(id)
    if (key !== '') return key
    throw new RevlogError('E_ID', `the id of a left event is ${JSON.stringify(id)}`, {
      remedy: 'return a key that names the answer, and is not empty',
    })
  }

  function keep(key: BinaryKey, left: Left): void {
    const moved = lefts.insert(key, left)
    if (left.id !== '') for (const one of moved) state.ids.put(key, one.id, one.t)
    if (emitFinal || finals) state.finals.put(left.t, key, left.t)
  }

  function forget(key: BinaryKey, left: Left): void {
    lefts.remove(key, left)
    if (lefts.hasPages(key)) state.ids.delete(key, left.id)
  }

  /** The open event of that id, wherever it is. */
  function openEvent(key: BinaryKey, id: BinaryKey): Left | undefined {
    const isIt = (left: Left): boolean => left.id === id && rules.isOpen(left.t, progress.horizon)
    const inHead = lefts.inHead(key, isIt)
    if (inHead !== undefined || !lefts.hasPages(key)) return inHead
    const t = state.ids.get(key, id)
    return t === undefined ? undefined : lefts.range(key, t, t + 1).find(isIt)
  }

  /** What the last answer of an event was made from. */
  const basis = (key: BinaryKey, left: Left): Version | undefined | null =>
    left.mark === undefined ? versionAt(key, left.t) : left.mark

  /** An event that came again with other content: the next revision of its answer, made from the new content. */
  function replace(key: BinaryKey, known: Left, left: Left): void {
    measures.replaced.add()
    const answered = (known.flags & ANSWERED) !== 0
    const oldValue = answered ? answer(key, known, basis(key, known)) : undefined
    forget(key, known)
    left.flags = known.flags
    left.answeredAt = known.answeredAt
    keep(key, left)
    if (emitFinal) return
    if (!answered) {
      if (left.t + delay > clock()) return state.delayed.put(left.t + delay, key, left.t)
      return void attempt(() => answerFirst(key, left, FIRST))
    }
    attempt(() => {
      const match = versionAt(key, left.t)
      const newValue = answer(key, left, match)
      if (newValue !== undefined || oldValue !== undefined) send(left, newValue, oldValue, match, FIRST)
    })
  }

  /** Behind the horizon: answered once, if at all, and not kept. */
  function onLateLeft(key: BinaryKey, left: Left): void {
    if (late === 'side' && side !== undefined) return context.divert(side, 'late-left')
    if (late !== 'emit') return drop('late-left')
    const floor = visibleFloor(key)
    const match = floor !== undefined && rules.matches(floor.t, left.t, allowExactMatches) ? floor : undefined
    const historyExpired = match === undefined && mayHaveLost(key, left.t)
    const known = left.id === '' ? undefined : openEvent(key, left.id)
    attempt(() => {
      const oldValue = known === undefined ? undefined : answer(key, known, basis(key, known))
      if (known !== undefined) forget(key, known)
      const value = answer(key, left, match)
      measures.lateAnswers.add()
      if (historyExpired) measures.historyExpired.add()
      if (value === undefined && oldValue === undefined) {
        if (!historyExpired) return
        return side === undefined ? drop('history-expired') : context.divert(side, 'history-expired')
      }
      send(left, value, oldValue, match, { final: true, late: true, historyExpired })
    })
  }

  /** The version that an event at the horizon sees, unless it is only kept because nothing has removed it yet. */
  function visibleFloor(key: BinaryKey): Version | undefined {
    const { horizon } = progress
    const floor = versionAt(key, horizon)
    if (floor === undefined || floor.t + tolerance < horizon) return undefined
    return isForgotten(floor) ? undefined : floor
  }

  const isForgotten = (floor: Version): boolean =>
    floor.bytes === undefined && floor.t + tombstoneRetention < progress.horizon

  /** Whether a version that an event at `t` would have seen may have been purged. A function of the horizon and of what was accepted. */
  function mayHaveLost(key: BinaryKey, t: number): boolean {
    if (tolerance !== Infinity || t < progress.horizon - tombstoneRetention) return true
    const floor = versionAt(key, progress.horizon)
    if (floor === undefined || isForgotten(floor)) return false
    const first = heads.get(key)?.note
    return first !== undefined && rules.matches(first, t, allowExactMatches)
  }

  // Right versions

  function onRight(record: Record<unknown, unknown>): void {
    const { topic, offset } = context.recordMetadata()!
    const { timestamp: t, value } = record
    progress.rightPosition = offset // what is due now is answered without this record
    if (record.key === undefined || record.key === null) return drop('null-key')
    rightSilent = false
    measures.latenessRight.record(Math.max(0, progress.rightTime - t))
    if (t > progress.rightTime) {
      progress.rightTime = t
      moveOn()
    }
    progress.rightPosition = offset + 1
    const key = rightKeys.toKey(record.key)
    const version: Version = {
      t,
      offset,
      sequence: sequence === undefined || value === undefined ? 0 : sequence(value),
      bytes: value === undefined ? undefined : owned(rightValues.encode(value), value),
      value,
    }
    trim(key)
    forgetDeleted(key)
    const { horizon } = progress
    if (!rules.isOpen(t, horizon) && !becomesFloor(key, version)) return dropLateRight(key, version)
    const previous = versions.floor(key, t)
    const tied = previous !== undefined && previous.t === t ? previous : undefined
    if (tied !== undefined && !rules.replaces(version, tied)) return measures.superseded.add()
    const before = tied ?? previous
    const next = versions.above(key, t)
    if (tied === undefined) versions.insert(key, version)
    else versions.replace(key, tied, version)
    const head = heads.get(key)!
    const isAnew = previous === undefined && next === undefined
    if (isAnew || head.note === undefined || t < head.note) {
      head.note = t
      heads.changed(head)
    }
    state.sweep()
    correct(key, version, before, next, topic)
  }

  /** A key of which only an old deletion is left begins anew. */
  function forgetDeleted(key: BinaryKey): void {
    if (!versions.hasPages(key)) return
    const floor = versionAt(key, progress.horizon)
    if (floor !== undefined && isForgotten(floor)) versions.removeUpTo(key, floor.t)
  }

  /** A version behind the horizon is of use if no other one stands between it and the horizon. */
  function becomesFloor(key: BinaryKey, version: Version): boolean {
    if (version.t + tolerance < progress.horizon || isForgotten(version)) return false
    const floor = visibleFloor(key)
    if (floor === undefined || version.t > floor.t) return true
    return version.t === floor.t && rules.replaces(version, floor)
  }

  function dropLateRight(key: BinaryKey, version: Version): void {
    const head = heads.get(key)
    if (head?.note !== undefined && version.t < head.note) {
      head.note = version.t
      heads.changed(head)
    }
    if (side === undefined) drop('late-right')
    else context.divert(side, 'late-right')
  }

  /** Evaluates the open events from the new version until the next one, and no others. */
  function correct(
    key: BinaryKey,
    version: Version,
    before: Version | undefined,
    next: Version | undefined,
    topic: string,
  ): void {
    const strict = inclusive ? 0 : 1
    const from = Math.max(version.t + strict, progress.horizon)
    const until = Math.min(next === undefined ? Infinity : next.t + strict, reach(version, before))
    const affected = lefts.range(key, from, until)
    if (affected.length === 0) return
    const cause = `${topic}-${partition}@${version.offset}`
    for (const left of affected) {
      if (!rules.isOpen(left.t, progress.horizon) || (left.flags & ANSWERED) === 0) continue
      if (reviewEvery === undefined) attempt(() => answerAgain(key, left, before, version, cause))
      else mark(key, left, before)
    }
  }

  /** Beyond the tolerance of both the old and the new version nothing can change. */
  const reach = (version: Version, before: Version | undefined): number =>
    Math.max(version.t, before?.t ?? version.t) + tolerance + 1

  // Reviews, delayed and final answers

  function mark(key: BinaryKey, left: Left, before: Version | undefined): void {
    if (left.mark !== undefined) return
    left.mark = before ?? null
    lefts.touch(key, left)
    state.reviews.add(key)
    progress.reviewFrom = Math.min(progress.reviewFrom ?? Infinity, left.t)
  }

  function review(): void {
    const from = progress.reviewFrom
    if (from === null) return
    progress.reviewFrom = null
    for (const key of state.reviews.takeAll()) {
      for (const left of lefts.range(key, from, Infinity)) {
        const { mark: before } = left
        if (before === undefined) continue
        left.mark = undefined
        lefts.touch(key, left)
        attempt(() => answerAgain(key, left, before, versionAt(key, left.t), undefined))
      }
    }
  }

  function answerDelayed(key: BinaryKey, t: number): void {
    for (const left of lefts.range(key, t, t + 1)) {
      if ((left.flags & ANSWERED) !== 0) continue
      attempt(() => answerFirst(key, left, FIRST))
      lefts.touch(key, left)
    }
  }

  function answerFinally(key: BinaryKey, t: number): void {
    for (const left of lefts.range(key, t, t + 1)) {
      measures.finals.add()
      if ((left.flags & ANSWERED) === 0) {
        attempt(() => answerFirst(key, left, AS_FINAL))
        continue
      }
      attempt(() => {
        const match = versionAt(key, left.t)
        const value = answer(key, left, match)
        if (value !== undefined) send(left, value, value, match, AS_FINAL)
      })
    }
  }

  // Timers

  if (reviewEvery !== undefined) context.schedule(reviewEvery, 'stream-time', review)
  if (settings.idleAfter !== undefined) {
    let [leftSeen, rightSeen] = [progress.leftTime, progress.rightTime]
    context.schedule(settings.idleAfter, 'wall-clock-time', () => {
      leftSilent = progress.leftTime === leftSeen
      rightSilent = progress.rightTime === rightSeen
      if (leftSilent && rightSilent) [leftSilent, rightSilent] = [false, false]
      ;[leftSeen, rightSeen] = [progress.leftTime, progress.rightTime]
      moveOn()
    })
  }

  return { inputs: [onLeft, onRight] }
}

/** Bytes that are kept must not hold on to the batch that they came in. */
const owned = (encoded: Buffer, value: unknown): Buffer =>
  encoded === value ? Buffer.from(encoded) : encoded

/** Deep equality of answers; bytes are compared as bytes. */
export const DEFAULT_EQUALS = (a: unknown, b: unknown): boolean =>
  Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : deepEqual(a, b)
