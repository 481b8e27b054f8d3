import type { Crash } from '../host.js'
import type { Arrival, Arrivals } from './arrivals.js'
import type { Random } from './random.js'

/** What happens next in a run. */
export type Step =
  | { readonly kind: 'arrive'; readonly arrival: Arrival; readonly again: boolean }
  /** What arrived since the last time is processed. Without it, records wait and are taken by event time. */
  | { readonly kind: 'process' }
  | { readonly kind: 'crash'; readonly crash: Crash; readonly after: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'wipe'; readonly compacted: boolean }
  | { readonly kind: 'wait'; readonly ms: number }

export type Fault = 'crash' | 'resend' | 'wipe'

export interface Schedule {
  readonly steps: readonly Step[]
  readonly commitEvery: number
}

/** How far the order of arrival may be from that of event time. */
export interface Disorder {
  /** How late a record may be, in event time. Infinite: any order. */
  readonly graceMs: number
  readonly clock: 'per-topic' | 'shared'
  readonly faults: readonly Fault[]
}

interface Timed {
  readonly arrival: Arrival
  readonly again: boolean
  at: number
  /** Decides among equal times. */
  rank: number
}

/** Everything by event time, each record processed before the next, no fault: what every other run must agree with. */
export function inOrder(inputs: readonly (readonly Arrival[])[]): Schedule {
  const timed = inputs.flatMap((records) =>
    keepLines(records.map((arrival, rank) => ({ arrival, again: false, at: arrival.eventTime, rank }))),
  )
  // The sort is stable: among equal times the inputs in the order in which they were given.
  const ordered = timed.sort((a, b) => a.at - b.at)
  return {
    steps: ordered.flatMap((t): Step[] => [arrive(t), { kind: 'process' }]),
    commitEvery: 1,
  }
}

/** A run of the same records in another order, within the bounds, with faults in between. */
export function shuffled(inputs: readonly Arrivals[], disorder: Disorder, random: Random): Schedule {
  const order = merge(
    inputs.map((input) => delayed(input, disorder.graceMs, random)),
    disorder.clock,
    random,
  )
  const batch = random.pick([1, 1, 3, 10])
  const faulty = disorder.faults.length === 0 ? 0 : random.pick([0, 0.02, 0.1, 0.3])
  const steps: Step[] = []
  for (const timed of order) {
    if (random.chance(faulty)) steps.push(faultStep(random.pick(disorder.faults), random))
    steps.push(arrive(timed))
    if (random.chance(1 / batch)) steps.push({ kind: 'process' })
    if (random.chance(0.05)) steps.push({ kind: 'wait', ms: random.below(1_000) })
  }
  return { steps, commitEvery: random.pick([1, 1, 2, 5, 20]) }
}

const arrive = ({ arrival, again }: Timed): Step => ({ kind: 'arrive', arrival, again })

function faultStep(fault: Fault, random: Random): Step {
  switch (fault) {
    case 'crash':
      return random.chance(0.3)
        ? { kind: 'restart' }
        : { kind: 'crash', crash: 'lost', after: 1 + random.below(3) }
    case 'resend':
      return { kind: 'crash', crash: 'resent', after: 1 + random.below(3) }
    case 'wipe':
      return { kind: 'wipe', compacted: random.chance(0.5) }
  }
}

/**
 * Each record arrives up to the grace period after its time, so that none is later than that: whatever came before
 * it is at most the grace period ahead.
 */
function delayed(input: Arrivals, graceMs: number, random: Random): Timed[] {
  // Some runs are nearly in order, with a few records that are very late; some are not in any order.
  const share = random.pick([0, 0.1, 0.5, 1])
  const bounded = Number.isFinite(graceMs)
  const arrivalTime = (from: number, latest: number): number => {
    if (!bounded) return from + random.next() * (latest - from)
    if (!random.chance(share)) return from
    return random.chance(0.1) ? latest : from + random.next() * (latest - from) // as late as can be, now and then
  }
  const timed = input.records.flatMap((arrival): Timed[] => {
    const earliest = bounded ? arrival.eventTime : 0
    const latest = bounded ? arrival.eventTime + graceMs : 1
    const original = { arrival, again: false, at: arrivalTime(earliest, latest), rank: random.next() }
    if (!input.duplicates || !random.chance(0.2)) return [original]
    // Where the order is kept, a copy follows the original at once: behind a later record it would be out of order.
    const copy =
      arrival.line === undefined ? { at: arrivalTime(original.at, latest), rank: random.next() } : {}
    return [original, { ...original, ...copy, again: true }]
  })
  return keepLines(timed).sort((a, b) => a.at - b.at || a.rank - b.rank)
}

/** Moves a record that would overtake another of its line to just behind it. */
function keepLines(timed: Timed[]): Timed[] {
  const last = new Map<string, Timed>()
  for (const record of timed) {
    const { line } = record.arrival
    if (line === undefined) continue
    const before = last.get(line)
    if (before !== undefined && before.at >= record.at) {
      record.at = before.at
      record.rank = Math.max(record.rank, before.rank)
    }
    last.set(line, record)
  }
  return timed
}

/**
 * One order out of those of the topics. With a clock for each topic, one may lag behind the others as far as it
 * likes; with one clock for all, the delays alone decide.
 */
function merge(orders: readonly Timed[][], clock: Disorder['clock'], random: Random): Timed[] {
  const style = clock === 'shared' ? 'by-time' : random.pick(['by-time', 'at-random', 'one-by-one'] as const)
  if (style === 'by-time') return orders.flat().sort((a, b) => a.at - b.at || a.rank - b.rank)
  const merged: Timed[] = []
  const waiting = orders.filter((order) => order.length > 0).map((order) => ({ order, next: 0 }))
  let current = 0
  while (waiting.length > 0) {
    if (style === 'at-random' || current >= waiting.length) current = random.below(waiting.length)
    const queue = waiting[current]!
    merged.push(queue.order[queue.next]!)
    queue.next++
    if (queue.next === queue.order.length) {
      waiting.splice(current, 1)
      current = random.below(Math.max(1, waiting.length))
    }
  }
  return merged
}
