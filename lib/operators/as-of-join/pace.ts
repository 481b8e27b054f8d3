/**
 * Purging is paced like a copying collector: a sweep begins when as many entries were put as the last one kept
 * (times `growth`), and goes on with some rows for each further entry. So the state stays within a constant factor
 * of what is live, whatever the arrival, and each entry pays the same small price. No answer depends on it: a test
 * compares paces.
 */
export interface Pace {
  /** Entries put before the first sweep, and at least between two. */
  readonly sweepAfter: number
  readonly growth: number
  /** Rows that a sweep looks at for each entry put. */
  readonly rowsPerEntry: number
  /** Rows of one step. */
  readonly sweepRows: number
}

export const PACE: Pace = Object.freeze({ sweepAfter: 1_000, growth: 1, rowsPerEntry: 4, sweepRows: 64 })
