import type { MetricsSnapshot } from '../core/metrics.js'
import { addUp, type Distribution, NOTHING } from './distribution.js'
import type { ServiceMetrics } from './service.js'

/** What happened to the answers of every as-of join since the service started, and what was left out. */
export interface CorrectionReport {
  readonly joins: readonly JoinReport[]
  /** Records that were dropped or diverted, by reason, all tasks and operators together. */
  readonly dropped: ReadonlyMap<string, number>
}

export interface JoinReport {
  readonly operator: string
  readonly firstAnswers: number
  /** Left events whose first answer turned out wrong. */
  readonly correctedAnswers: number
  /** Of all first answers, 0 to 1. */
  readonly correctedShare: number
  /** Records that corrected: one answer may be corrected several times. */
  readonly corrections: number
  /** Answers that were looked at again and had not changed. */
  readonly suppressed: number
  readonly finals: number
  /** Left events that came behind the horizon and were answered all the same. */
  readonly lateAnswers: number
  /** Of those, answers whose history was gone. */
  readonly historyExpired: number
  /** Event time that passed between a first answer and its correction, in milliseconds. */
  readonly timeToCorrection: Distribution
  /** How far behind the newest record of its own side each record was, in milliseconds; 0 is in order. */
  readonly lateness: { readonly left: Distribution; readonly right: Distribution }
  /** What each smaller grace period would have cost, ascending. Empty when everything came in order. */
  readonly gracePeriods: readonly GraceCost[]
}

export interface GraceCost {
  readonly gracePeriodMs: number
  /** Corrections that would not have been made: at most so many answers would have stayed wrong. */
  readonly lostCorrections: number
  /** Left events that might have come too late: at most so many would have been left to the option `late`. */
  readonly lateLeftEvents: number
  /** Both together, of all left events, 0 to 1: at most. */
  readonly lostShare: number
}

/** Periods that people choose. */
const PERIODS_MS = [
  0, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000,
  21_600_000, 86_400_000, 604_800_000, 2_592_000_000, 31_536_000_000,
]
const DROPPED = 'dropped-records.'
const MARK = '.first-answers'

/**
 * The evidence for choosing a grace period: how many first answers were wrong, how long they stayed so, how late
 * records are, and how many corrections less patience would have cost. Distributions are exact to a fifth.
 *
 * @example console.log(formatCorrectionReport(correctionReport(service.metrics())))
 */
export function correctionReport({ tasks }: Pick<ServiceMetrics, 'tasks'>): CorrectionReport {
  const snapshots = [...tasks.values()]
  const operators = new Set(
    snapshots.flatMap(({ counters }) =>
      [...counters.keys()].filter((name) => name.endsWith(MARK)).map((name) => name.slice(0, -MARK.length)),
    ),
  )
  const dropped = new Map<string, number>()
  for (const { counters } of snapshots) {
    for (const [name, n] of counters) {
      if (!name.startsWith(DROPPED) || n === 0) continue
      const reason = name.slice(DROPPED.length)
      dropped.set(reason, (dropped.get(reason) ?? 0) + n)
    }
  }
  return { joins: [...operators].map((operator) => reportOf(operator, snapshots)), dropped }
}

function reportOf(operator: string, snapshots: readonly MetricsSnapshot[]): JoinReport {
  const count = (name: string): number =>
    snapshots.reduce((sum, { counters }) => sum + (counters.get(`${operator}.${name}`) ?? 0), 0)
  const distribution = (name: string): Distribution =>
    snapshots.reduce((sum, { histograms }) => addUp(sum, histograms.get(`${operator}.${name}`)), NOTHING)
  const firstAnswers = count('first-answers')
  const correctedAnswers = count('corrected-answers')
  const needed = distribution('correction-grace')
  const left = distribution('lateness-left')
  return {
    operator,
    firstAnswers,
    correctedAnswers,
    correctedShare: firstAnswers === 0 ? 0 : correctedAnswers / firstAnswers,
    corrections: count('corrections'),
    suppressed: count('suppressed'),
    finals: count('finals'),
    lateAnswers: count('late-answers'),
    historyExpired: count('history-expired'),
    timeToCorrection: distribution('time-to-correction'),
    lateness: { left, right: distribution('lateness-right') },
    gracePeriods: PERIODS_MS.filter((ms) => ms < Math.max(needed.max, left.max)).map((gracePeriodMs) => {
      const lostCorrections = needed.above(gracePeriodMs)
      const lateLeftEvents = left.above(gracePeriodMs)
      const lostShare = Math.min(1, (lostCorrections + lateLeftEvents) / Math.max(1, left.count))
      return { gracePeriodMs, lostCorrections, lateLeftEvents, lostShare }
    }),
  }
}
