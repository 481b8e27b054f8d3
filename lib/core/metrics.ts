/**
 * Counters and histograms of a task, kept in memory and read by whoever wants to show them. Names are
 * `kebab-case`; labels are joined by the operator's name, so that a name never repeats within a task.
 */
export interface Counter {
  add(n?: number): void
  readonly value: number
}

/** Counts by powers of two, exact to a factor of 2 at most (four steps to a power: to 19 %). */
export interface Histogram {
  record(value: number, times?: number): void
  readonly count: number
  readonly max: number
  /** The upper edge of the bucket that holds the quantile `q` of 0 to 1; 0 when empty. */
  quantile(q: number): number
  /** Buckets that are not empty, ascending: `[from, to)` and how many. */
  buckets(): readonly {
    readonly from: number
    readonly to: number
    readonly count: number
  }[]
}

export interface Gauge {
  set(value: number): void
  readonly value: number
}

export interface Metrics {
  counter(name: string): Counter
  histogram(name: string): Histogram
  gauge(name: string): Gauge
  /** Everything counted so far. */
  snapshot(): MetricsSnapshot
}

export interface MetricsSnapshot {
  readonly counters: ReadonlyMap<string, number>
  readonly gauges: ReadonlyMap<string, number>
  readonly histograms: ReadonlyMap<string, Histogram>
}

/** Asking for a name again gives the same counter. */
export function createMetrics(): Metrics {
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  const once = <T>(map: Map<string, T>, name: string, make: () => T): T => {
    const known = map.get(name)
    if (known !== undefined) return known
    const made = make()
    map.set(name, made)
    return made
  }
  return {
    counter: (name) => once(counters, name, createCounter),
    gauge: (name) => once(gauges, name, createGauge),
    histogram: (name) => once(histograms, name, createHistogram),
    snapshot: () => ({
      counters: new Map([...counters].map(([name, c]) => [name, c.value])),
      gauges: new Map([...gauges].map(([name, g]) => [name, g.value])),
      histograms: new Map(histograms),
    }),
  }
}

function createCounter(): Counter {
  let value = 0
  return {
    add(n = 1) {
      value += n
    },
    get value() {
      return value
    },
  }
}

function createGauge(): Gauge {
  let value = 0
  return {
    set(v) {
      value = v
    },
    get value() {
      return value
    },
  }
}

const STEPS = 4 // to a power of two

// Bucket 0 holds everything below 1; bucket i holds [2^((i-1)/STEPS), 2^(i/STEPS)).
const bucketOf = (value: number): number => (value < 1 ? 0 : Math.floor(Math.log2(value) * STEPS + 1e-9) + 1)

/** The buckets of small whole numbers, which is what most records have; a logarithm costs more than the rest. */
const SMALL: Readonly<Uint8Array> = Uint8Array.from({ length: 4_096 }, (_, value) => bucketOf(value))

export function createHistogram(): Histogram {
  const counts: number[] = []
  let count = 0
  let max = 0
  const edge = (bucket: number) => (bucket === 0 ? 0 : 2 ** ((bucket - 1) / STEPS))
  return {
    record(value, times = 1) {
      const bucket = SMALL[value] ?? bucketOf(value)
      counts[bucket] = (counts[bucket] ?? 0) + times
      count += times
      if (value > max) max = value
    },
    get count() {
      return count
    },
    get max() {
      return max
    },
    quantile(q) {
      const target = Math.ceil(q * count)
      let seen = 0
      for (let bucket = 0; bucket < counts.length; bucket++) {
        seen += counts[bucket] ?? 0
        if (seen >= target && seen > 0) return Math.min(max, edge(bucket + 1))
      }
      return 0
    },
    buckets() {
      const filled: { from: number; to: number; count: number }[] = []
      for (let bucket = 0; bucket < counts.length; bucket++) {
        const n = counts[bucket] ?? 0
        if (n > 0) filled.push({ from: edge(bucket), to: edge(bucket + 1), count: n })
      }
      return filled
    },
  }
}
