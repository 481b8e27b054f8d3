import { type Duration, int64, json, seconds, stream, string, type Topology, topic, topology } from 'revlog'

export interface Recommendation {
  readonly id: string
  readonly price: number
  readonly at: number
}

export interface Mood {
  readonly mood: string
  readonly at: number
}

export interface Advice {
  readonly id: string
  readonly consultant: string
  readonly price: number
  readonly mood: string
}

export const recommendations = topic('recommendations', {
  key: string(),
  value: json<Recommendation>(),
  timestamp: (r) => r.at,
})
export const moods = topic('moods', { key: string(), value: json<Mood>(), timestamp: (m) => m.at })
export const advice = topic('advice', { key: string(), value: json<Advice>() })
export const spent = topic('spent', { key: string(), value: int64() })
export const answered = topic('answered', { key: string(), value: int64() })
export const received = topic('received', { key: string(), value: int64() })

/** Lateness in the input is below it, so that every answer must come out as the batch join has it. */
export const GRACE = seconds(10)

const advisedWithin = (gracePeriod: Duration) =>
  stream(recommendations).asOfJoin(stream(moods), {
    name: 'mood-at-recommendation',
    id: (r) => r.id,
    join: (r, mood, consultant): Advice => ({
      id: r.id,
      consultant,
      price: r.price,
      mood: mood?.mood ?? 'unknown',
    }),
    value: json<Advice>(),
    gracePeriod,
  })

const advised = advisedWithin(GRACE)

/** The join alone, with another grace period. */
export const adviceWithin = (gracePeriod: Duration): Topology =>
  topology('consultants', [advisedWithin(gracePeriod).toStream().to(advice)])

/** The join, two aggregates that correct themselves, and a counter that notices each record that counts twice. */
export const consultants = topology('consultants', [
  advised.toStream().to(advice),
  advised
    .groupBy((a) => a.mood, { name: 'by-mood', key: string() })
    .aggregate({
      name: 'spent',
      init: () => 0,
      add: (sum, a) => sum + a.price,
      subtract: (sum, a) => sum - a.price,
      value: int64(),
    })
    .toStream()
    .to(spent),
  advised
    .groupBy((a) => a.consultant, { name: 'by-consultant', key: string() })
    .count({ name: 'answered' })
    .toStream()
    .to(answered),
  stream(recommendations).groupByKey().count({ name: 'received' }).toStream().to(received),
])
