import type { Service } from 'revlog/service'
import { moods, recommendations } from '../consultants.js'
import type { Arrival } from './day.js'

/** Writes arrivals to their topics in one commit, and waits until they are answered. */
export async function feed(service: Service, arrivals: readonly Arrival[]): Promise<void> {
  await service.broker.produce(arrivals.map(recordOf))
  await service.caughtUp()
}

function recordOf(arrival: Arrival) {
  const common = { partition: undefined, headers: [] }
  if (arrival.kind === 'recommendation') {
    const { recommendation } = arrival
    return {
      ...common,
      topic: recommendations.name,
      key: recommendations.key.encode(recommendation.consultant),
      value: recommendations.value.encode(recommendation),
      timestamp: recommendation.eventTime,
    }
  }
  return {
    ...common,
    topic: moods.name,
    key: moods.key.encode(arrival.consultant),
    value: arrival.mood === undefined ? undefined : moods.value.encode(arrival.mood),
    timestamp: arrival.eventTime,
  }
}

/** The same as lines that `revlog run --from` takes. */
export function linesOf(arrivals: readonly Arrival[], kind: Arrival['kind']): string {
  const lines = arrivals.flatMap((arrival): unknown[] => {
    if (arrival.kind !== kind) return []
    if (arrival.kind === 'recommendation') return [arrival.recommendation]
    const { consultant: key, eventTime: timestamp, mood } = arrival
    return [mood ?? { key, value: null, timestamp }]
  })
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
