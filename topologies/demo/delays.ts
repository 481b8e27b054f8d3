import type { Answer } from './answers.js'
import type { Arrival } from './day.js'

/** How long answers stood before they were corrected, by the clock of the day. */
export interface Delays {
  readonly note: (answers: readonly Answer[]) => void
  readonly count: () => number
  /** The delay below which a share of 0 to 1 of the corrections came, in milliseconds. */
  readonly quantile: (share: number) => number
}

/** A correction names the record that caused it, by its offset: so it is known when that arrived. */
export function measureDelays(day: readonly Arrival[]): Delays {
  const moods = day.filter((arrival) => arrival.kind === 'mood')
  const askedAt = new Map(
    day.flatMap((a) => (a.kind === 'recommendation' ? [[a.recommendation.id, a.arrivesAt]] : [])),
  )
  const delays: number[] = []
  return {
    note(answers) {
      for (const { before, cause, advice } of answers) {
        if (before === undefined || cause === undefined) continue
        delays.push(moods[cause]!.arrivesAt - askedAt.get(advice.id)!)
      }
    },
    count: () => delays.length,
    quantile(share) {
      const sorted = delays.toSorted((a, b) => a - b)
      return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    },
  }
}
