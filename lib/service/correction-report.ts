import type { Histogram } from '../core/metrics.js'
import type { ServiceMetrics } from './service.js'

/** Milliseconds of event time, counted in buckets that are exact to 19 %. */
export interface Distribution {
  readonly count: number
  readonly max: number
  /** The upper edge of the bucket in which the share `q` (0 to 1) is reached; 0 when there is nothing. */
  readonly quantile: (q: number) => number
  /** How many are at least `ms`, as far as buckets tell. */
  readonly atLeast: (ms: number) => number
}

/**
 * What an as-of join had to correct since the service was started: evidence for the choice of a grace period.
 * Lateness is that of a record behind the newest of its own side; the grace that a correction needed is how far
 * both sides had moved beyond the answer.
 */
export interface CorrectionReport {
  /** The name of the join. */
  readonly operator: string
  readonly firstAnswers: number
  /** First answers that turned out wrong. */
  readonly correctedAnswers: number
  readonly corrections: number
  /** Left events that came behind the horizon; answered, but not corrected any more. */
  readonly lateAnswers: number
  /** From the first answer to the correction. */
  readonly timeToCorrection: Distribution
  readonly lateness: { readonly left: Distribution; readonly right: Distribution }
  /** Of each correction. */
  readonly graceNeeded: Distribution
}

/** A report for each as-of join of a service, over all partitions. */
export function correctionReports({ tasks }: Pick<ServiceMetrics, 'tasks'>): readonly CorrectionReport[] {
  const snapshots = [...tasks.values()]
  const operators = new Set(
    snapshots.flatMap(({ histograms }) =>
      [...histograms.keys()].filter((name) => name.endsWith(MARK)).map((name) => name.slice(0, -MARK.length)),
    ),
  )
  return [...operators].map((operator) => {
    const total = (name: string): number =>
      snapshots.reduce((sum, { counters }) => sum + (counters.get(`${operator}.${name}`) ?? 0), 0)
    const all = (name: string): Distribution =>
      distribution(snapshots.flatMap(({ histograms }) => histograms.get(`${operator}.${name}`) ?? []))
    return {
      operator,
      firstAnswers: total('first-answers'),
      correctedAnswers: total('corrected-answers'),
      corrections: total('corrections'),
      lateAnswers: total('late-answers'),
      timeToCorrection: all('time-to-correction'),
      lateness: { left: all('lateness-left'), right: all('lateness-right') },
      graceNeeded: all('correction-grace'),
    }
  })
}

/** What only an as-of join counts. */
const MARK = '.correction-grace'

function distribution(histograms: readonly Histogram[]): Distribution {
  const buckets = histograms.flatMap((histogram) => histogram.buckets()).sort((a, b) => a.from - b.from)
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0)
  const max = Math.max(0, ...histograms.map((histogram) => histogram.max))
  return {
    count,
    max,
    quantile(q) {
      const target = Math.ceil(q * count)
      let seen = 0
      for (const bucket of buckets) {
        seen += bucket.count
        if (seen >= target) return Math.min(max, bucket.to)
      }
      return 0
    },
    atLeast: (ms) =>
      buckets.reduce((sum, { from, to, count: n }) => ((from + to) / 2 >= ms ? sum + n : sum), 0),
  }
}
