import type { Histogram } from '../core/metrics.js'

/** How values are spread, from histograms of several tasks. */
export interface Distribution {
  readonly count: number
  readonly max: number
  /** The value that the share `q` of 0 to 1 does not exceed; 0 when there is none. */
  readonly quantile: (q: number) => number
  /** How many are greater than `value`; those of which the histogram does not know are counted. */
  readonly above: (value: number) => number
  /** Ascending: `from <= value < to`. */
  readonly buckets: readonly Bucket[]
}

export interface Bucket {
  readonly from: number
  readonly to: number
  readonly count: number
}

export const NOTHING: Distribution = distributionOf([], 0)

/** All histograms have the same buckets, so that nothing is lost by adding them. */
export function addUp(sum: Distribution, histogram: Histogram | undefined): Distribution {
  if (histogram === undefined) return sum
  const buckets = new Map(sum.buckets.map((bucket) => [bucket.from, bucket]))
  for (const bucket of histogram.buckets()) {
    buckets.set(bucket.from, { ...bucket, count: bucket.count + (buckets.get(bucket.from)?.count ?? 0) })
  }
  return distributionOf(
    [...buckets.values()].sort((a, b) => a.from - b.from),
    Math.max(sum.max, histogram.max),
  )
}

function distributionOf(buckets: readonly Bucket[], max: number): Distribution {
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0)
  return {
    count,
    max,
    buckets,
    quantile(q) {
      const target = Math.ceil(q * count)
      let seen = 0
      for (const bucket of buckets) {
        seen += bucket.count
        if (seen >= target) return Math.min(max, bucket.from === 0 ? 0 : bucket.to)
      }
      return 0
    },
    above: (value) =>
      value >= max
        ? 0
        : buckets.reduce((sum, b) => sum + (b.to > value && !(b.from === 0 && value >= 0) ? b.count : 0), 0),
  }
}
