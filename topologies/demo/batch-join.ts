import type { Arrival, MoodArrival } from './day.js'

/**
 * What one SQL query over the finished day would say: for each recommendation the last mood of its consultant at or
 * before it. Written apart from revlog, to check it: a scan of everything that arrived.
 */
export function batchJoin(arrivals: readonly Arrival[]): ReadonlyMap<string, string> {
  const moods = new Map<string, MoodArrival[]>()
  for (const arrival of arrivals) {
    if (arrival.kind === 'mood')
      moods.set(arrival.consultant, [...(moods.get(arrival.consultant) ?? []), arrival])
  }
  const answers = new Map<string, string>()
  for (const arrival of arrivals) {
    if (arrival.kind !== 'recommendation') continue
    const { id, consultant, eventTime } = arrival.recommendation
    let last: MoodArrival | undefined
    for (const mood of moods.get(consultant) ?? []) {
      // Of two moods for one instant the one that arrived later counts.
      if (mood.eventTime <= eventTime && (last === undefined || mood.eventTime >= last.eventTime)) last = mood
    }
    answers.set(id, last?.mood?.mood ?? 'unknown')
  }
  return answers
}
