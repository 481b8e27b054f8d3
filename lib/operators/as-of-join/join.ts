import type { BinaryKey } from '../../core/binary-key.js'
import { RevlogError } from '../../core/errors.js'
import { withoutRevision } from '../../core/headers.js'
import type { Change, Record } from '../../core/record.js'
import type { MultiProcessor, ProcessorContext } from '../../topology/processor.js'
import { AS_FINAL, createAnswering, FIRST } from './answering.js'
import { causeHeader } from './answers.js'
import { ANSWERED, ENCODED, type Left, leftSize, type Version, versionSize } from './entries.js'
import type { Head } from './heads.js'
import { createHistory } from './history.js'
import { createMeasures } from './measures.js'
import type { JoinParts } from './parts.js'
import type { AsOfState } from './state.js'

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
  const { settings, rules, leftKeys, rightKeys, leftValues, rightValues, ids, id: idOf, sequence } = parts
  const { grace, tolerance, allowExactMatches, reviewEvery, emitFinal, delay, finals, late, side } = settings
  const { drop, attempt, partition } = context
  const { progress, heads, versions, lefts } = state
  const measures = createMeasures(context.metrics)
  const history = createHistory(state, settings, rules)
  const { versionAt } = history
  const inclusive = rules.matches(0, 0, allowExactMatches)
  let lastLeftOffset = -1
  let ordinal = 0
  let leftRecords = 0
  let rightRecords = 0
  let leftSilent = false
  let rightSilent = false

  // Time

  const clock = (): number => Math.max(progress.leftTime, progress.rightTime)

  function bothSidesAt(): number {
    if (leftSilent) return progress.rightTime
    if (rightSilent) return progress.leftTime
    return rules.clock(progress.leftTime, progress.rightTime)
  }

  const times = { clock, bothSidesAt }
  const answering = createAnswering(context, state, parts, versionAt, times, measures)
  const { answer, earlierAnswer, send, answerFirst, answerAgain } = answering

  /** After a side's time went on: what is due by that is emitted before anything else is seen. */
  function moveOn(): void {
    if (delay > 0) for (const due of state.delayed.take(clock() + 1)) answerDelayed(heads.get(due.key), due.t)
    const horizon = bothSidesAt() - grace
    if (horizon <= progress.horizon) return
    if (progress.reviewFrom !== null && horizon > progress.reviewFrom) review()
    progress.horizon = horizon
    measures.horizon.set(horizon)
    measures.heldBack.set(clock() - bothSidesAt())
    if (emitFinal || finals)
      for (const due of state.finals.take(horizon)) answerFinally(heads.get(due.key), due.t)
  }

  /** What is over is removed when its key is met; for keys that are not, see `AsOfState.sweep`. */
  function headOf(key: BinaryKey): Head {
    const head = heads.get(key)
    heads.trim(head, progress.horizon)
    return head
  }

  // Left events

  function onLeft(record: Record<unknown, unknown>): void {
    if (record.key === undefined || record.key === null) return drop('null-key')
    if (record.value === undefined) return drop('null-value')
    const { offset } = context.recordMetadata()!
    ordinal = offset === lastLeftOffset ? ordinal + 1 : 0
    lastLeftOffset = offset
    const { timestamp: t } = record
    leftSilent = false
    leftRecords++
    measures.latenessLeft.record(Math.max(0, progress.leftTime - t))
    if (t > progress.leftTime) {
      progress.leftTime = t
      moveOn()
    }
    const head = headOf(leftKeys.toKey(record.key))
    const id = idOf === undefined ? '' : businessId(idOf(record.value, record.key))
    const headers = withoutRevision(record.headers)
    const bytes = leftValues.encode(record.value)
    const left: Left = {
      t,
      id,
      offset,
      ordinal,
      headers,
      bytes: bytes === record.value ? copied(bytes) : bytes,
      value: bytes === record.value ? ENCODED : record.value,
      flags: 0,
      answeredAt: 0,
      mark: undefined,
      size: leftSize(id, headers, bytes),
    }
    if (!rules.isOpen(t, progress.horizon)) return onLateLeft(head, left)
    const known = left.id === '' ? undefined : openEvent(head, left.id)
    if (known !== undefined) {
      if (known.t === t && known.bytes.equals(left.bytes)) return measures.repeated.add()
      return replace(head, known, left)
    }
    keep(head, left)
    state.sweep()
    if (emitFinal) return
    if (delay > 0 && t + delay > clock()) return state.delayed.put(t + delay, head.key, t)
    attempt(() => answerFirst(head, left, FIRST))
  }

  function businessId(id: string): BinaryKey {
    const key = id === undefined || id === null ? '' : ids.toKey(id)
    if (key !== '') return key
    throw new RevlogError('E_ID', `the id of a left event is ${JSON.stringify(id)}`, {
      remedy: 'return a key that names the answer, and is not empty',
    })
  }

  function keep(head: Head, left: Left): void {
    const moved = lefts.insert(head, left)
    if (left.id !== '' && moved.length > 0) for (const one of moved) state.ids.put(head.key, one.id, one.t)
    if (emitFinal || finals) state.finals.put(left.t, head.key, left.t)
  }

  function forget(head: Head, left: Left): void {
    lefts.remove(head, left)
    if (lefts.hasPages(head)) state.ids.delete(head.key, left.id)
  }

  /** The open event of that id, wherever it is. */
  function openEvent(head: Head, id: BinaryKey): Left | undefined {
    const inHead = findOpen(lefts.inHead(head), id)
    if (inHead !== undefined || !lefts.hasPages(head)) return inHead
    const t = state.ids.get(head.key, id)
    return t === undefined ? undefined : findOpen(lefts.range(head, t, t + 1), id)
  }

  function findOpen(among: readonly Left[], id: BinaryKey): Left | undefined {
    for (let i = among.length - 1; i >= 0; i--) {
      const left = among[i]!
      if (!rules.isOpen(left.t, progress.horizon)) return undefined
      if (left.id === id) return left
    }
    return undefined
  }

  /** What the last answer of an event was made from. */
  const basis = (head: Head, left: Left): Version | undefined | null =>
    left.mark === undefined ? versionAt(head, left.t) : left.mark

  /** An event that came again with other content: the next revision of its answer, made from the new content. */
  function replace(head: Head, known: Left, left: Left): void {
    measures.replaced.add()
    const answered = (known.flags & ANSWERED) !== 0
    const oldValue = answered ? earlierAnswer(head, known, basis(head, known)) : undefined
    forget(head, known)
    left.flags = known.flags
    left.answeredAt = known.answeredAt
    keep(head, left)
    if (emitFinal) return
    if (!answered) {
      if (left.t + delay > clock()) return state.delayed.put(left.t + delay, head.key, left.t)
      return void attempt(() => answerFirst(head, left, FIRST))
    }
    attempt(() => {
      const match = versionAt(head, left.t)
      const newValue = answer(head, left, match)
      if (newValue !== undefined || oldValue !== undefined) send(left, newValue, oldValue, match, FIRST)
    })
  }

  /** Behind the horizon: answered once, if at all, and not kept. */
  function onLateLeft(head: Head, left: Left): void {
    if (late === 'side' && side !== undefined) return context.divert(side, 'late-left')
    if (late !== 'emit') return drop('late-left')
    const floor = history.visibleFloor(head)
    const match = floor !== undefined && rules.matches(floor.t, left.t, allowExactMatches) ? floor : undefined
    const historyExpired = match === undefined && history.mayHaveLost(head, left.t)
    const known = left.id === '' ? undefined : openEvent(head, left.id)
    attempt(() => {
      const oldValue = known === undefined ? undefined : earlierAnswer(head, known, basis(head, known))
      if (known !== undefined) forget(head, known)
      const value = answer(head, left, match)
      measures.lateAnswers.add()
      if (historyExpired) measures.historyExpired.add()
      if (value === undefined && oldValue === undefined) {
        if (!historyExpired) return
        return side === undefined ? drop('history-expired') : context.divert(side, 'history-expired')
      }
      send(left, value, oldValue, match, { final: true, late: true, historyExpired })
    })
  }

  // Right versions

  function onRight(record: Record<unknown, unknown>): void {
    const { topic, offset } = context.recordMetadata()!
    const { timestamp: t, value } = record
    progress.rightPosition = offset // what is due now is answered without this record
    if (record.key === undefined || record.key === null) return drop('null-key')
    rightSilent = false
    rightRecords++
    measures.latenessRight.record(Math.max(0, progress.rightTime - t))
    if (t > progress.rightTime) {
      progress.rightTime = t
      moveOn()
    }
    progress.rightPosition = offset + 1
    const head = headOf(rightKeys.toKey(record.key))
    const bytes = value === undefined ? undefined : rightValues.encode(value)
    const version: Version = {
      t,
      offset,
      sequence: sequence === undefined || value === undefined ? 0 : sequence(value),
      bytes: bytes !== undefined && bytes === value ? copied(bytes) : bytes,
      value: bytes === value ? ENCODED : value,
      asOf: undefined,
      size: versionSize(bytes),
    }
    history.forgetDeleted(head, t)
    const { horizon } = progress
    if (!rules.isOpen(t, horizon) && !history.becomesFloor(head, version)) return dropLateRight(head, version)
    const previous = versions.floor(head, t)
    const tied = previous !== undefined && previous.t === t ? previous : undefined
    if (tied !== undefined && !rules.replaces(version, tied)) return measures.superseded.add()
    const before = tied ?? previous
    const next = versions.above(head, t)
    if (tied === undefined) versions.insert(head, version)
    else versions.replace(head, tied, version)
    const isAnew = next === undefined && (previous === undefined || history.isForgotten(previous))
    if (isAnew || head.note === undefined || t < head.note) {
      head.note = t
      heads.changed(head, head.versions)
    }
    state.sweep()
    correct(head, version, before, next, topic)
  }

  function dropLateRight(head: Head, version: Version): void {
    if (head.note !== undefined && version.t < head.note) {
      head.note = version.t
      heads.changed(head, head.versions)
    }
    if (side === undefined) drop('late-right')
    else context.divert(side, 'late-right')
  }

  /** Evaluates the open events from the new version until the next one, and no others. */
  function correct(
    head: Head,
    version: Version,
    before: Version | undefined,
    next: Version | undefined,
    topic: string,
  ): void {
    const strict = inclusive ? 0 : 1
    const from = Math.max(version.t + strict, progress.horizon)
    const until = Math.min(next === undefined ? Infinity : next.t + strict, reach(version, before))
    const affected = lefts.range(head, from, until)
    if (affected.length > 0) correctThese(head, affected, version, before, topic)
  }

  function correctThese(
    head: Head,
    affected: readonly Left[],
    version: Version,
    before: Version | undefined,
    topic: string,
  ): void {
    const cause = causeHeader(topic, partition, version.offset)
    for (const left of affected) {
      if (!rules.isOpen(left.t, progress.horizon) || (left.flags & ANSWERED) === 0) continue
      if (reviewEvery === undefined) attempt(() => answerAgain(head, left, before, version, cause))
      else mark(head, left, before)
    }
  }

  /** Beyond the tolerance of both the old and the new version nothing can change. */
  const reach = (version: Version, before: Version | undefined): number =>
    Math.max(version.t, before?.t ?? version.t) + tolerance + 1

  // Reviews, delayed and final answers

  function mark(head: Head, left: Left, before: Version | undefined): void {
    if (left.mark !== undefined) return
    left.mark = before ?? null
    lefts.touch(head, left)
    state.reviews.add(head.key)
    progress.reviewFrom = Math.min(progress.reviewFrom ?? Infinity, left.t)
  }

  function review(): void {
    const from = progress.reviewFrom
    if (from === null) return
    progress.reviewFrom = null
    for (const key of state.reviews.takeAll()) {
      const head = heads.get(key)
      for (const left of lefts.range(head, from, Infinity)) {
        const { mark: before } = left
        if (before === undefined) continue
        left.mark = undefined
        lefts.touch(head, left)
        attempt(() => answerAgain(head, left, before, versionAt(head, left.t), undefined))
      }
    }
  }

  function answerDelayed(head: Head, t: number): void {
    for (const left of lefts.range(head, t, t + 1)) {
      if ((left.flags & ANSWERED) !== 0) continue
      attempt(() => answerFirst(head, left, FIRST))
      lefts.touch(head, left)
    }
  }

  function answerFinally(head: Head, t: number): void {
    for (const left of lefts.range(head, t, t + 1)) {
      measures.finals.add()
      if ((left.flags & ANSWERED) === 0) {
        attempt(() => answerFirst(head, left, AS_FINAL))
        continue
      }
      attempt(() => {
        const match = versionAt(head, left.t)
        const value = answer(head, left, match)
        if (value !== undefined) send(left, value, value, match, AS_FINAL)
      })
    }
  }

  // Timers

  if (reviewEvery !== undefined) context.schedule(reviewEvery, 'stream-time', review)
  if (settings.idleAfter !== undefined) {
    let [leftSeen, rightSeen] = [-1, -1] // what happened before the first of these is not known
    context.schedule(settings.idleAfter, 'wall-clock-time', () => {
      leftSilent = leftRecords === leftSeen
      rightSilent = rightRecords === rightSeen
      if (leftSilent && rightSilent) [leftSilent, rightSilent] = [false, false]
      ;[leftSeen, rightSeen] = [leftRecords, rightRecords]
      moveOn()
    })
  }

  return { inputs: [onLeft, onRight] }
}

/** Bytes that are kept must not hold on to the batch that they came in. */
function copied(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length)
  bytes.copy(copy, 0, 0, bytes.length)
  return copy
}
