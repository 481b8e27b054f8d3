import { json, minutes, stream, string, topic, topology } from 'revlog'

/** A consultant recommends a product to a client. */
export interface Recommendation {
  readonly id: string
  readonly consultant: string
  readonly client: string
  readonly product: string
  /** Milliseconds since the epoch, as everywhere. */
  readonly eventTime: number
}

/** How a consultant felt from that time on. Phones send it when they find a network: often late. */
export interface Mood {
  readonly consultant: string
  readonly mood: string
  readonly eventTime: number
}

/** A recommendation, and the mood in which it was made. */
export interface Advice extends Recommendation {
  readonly mood: string
}

// Both sides are keyed by the consultant. `keyOf` is for producers that have values alone, such as files.
export const recommendations = topic('recommendations', {
  key: string(),
  value: json<Recommendation>(),
  timestamp: (recommendation) => recommendation.eventTime,
  keyOf: (recommendation) => recommendation.consultant,
})

export const moods = topic('moods', {
  key: string(),
  value: json<Mood>(),
  timestamp: (mood) => mood.eventTime,
  keyOf: (mood) => mood.consultant,
})

export const advice = topic('advice', { key: string(), value: json<Advice>() })

// Each recommendation is answered at once, with the mood known by then. A mood that arrives late corrects every
// answer that it belongs to: the corrected answer has the same key and a greater revision.
const advised = stream(recommendations).asOfJoin(stream(moods), {
  name: 'mood-at-recommendation',
  id: (recommendation) => recommendation.id,
  join: (recommendation, mood): Advice => ({ ...recommendation, mood: mood?.mood ?? 'unknown' }),
  gracePeriod: minutes(10),
})

export default topology('consultants', [advised.toStream().to(advice)])
