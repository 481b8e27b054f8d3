/**
 * How fast purging goes. A key that is met again is purged on the way. For the others there are sweeps, paced like a
 * copying collector's: one begins when there are `growth` times as many entries as the last one left, and goes on
 * with some rows for each further entry. So the state stays within a constant factor of what is live, whatever the
 * arrival, and each entry pays the same small price. No answer depends on it: a test compares paces.
 */
export interface Pace {
  readonly growth: number
  /** Entries put before the first sweep, and at least between two. */
  readonly sweepAfter: number
  /** Rows that a sweep looks at for each entry put. */
  readonly rowsPerEntry: number
  /** Rows of one step. */
  readonly sweepRows: number
}

export const PACE: Pace = Object.freeze({ growth: 4, sweepAfter: 1_000, rowsPerEntry: 4, sweepRows: 64 })
