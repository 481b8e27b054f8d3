import type { Mood, Recommendation } from '../consultants.js'

/** Something that happened, and when the log hears of it. */
export type Arrival = RecommendationArrival | MoodArrival

export interface RecommendationArrival {
  readonly kind: 'recommendation'
  readonly recommendation: Recommendation
  /** Milliseconds since the epoch; never before the event. */
  readonly arrivesAt: number
}

export interface MoodArrival {
  readonly kind: 'mood'
  readonly consultant: string
  readonly eventTime: number
  /** `undefined`: the consultant takes back what was known, from that time on. */
  readonly mood: Mood | undefined
  readonly arrivesAt: number
}

const CONSULTANTS = ['Ada', 'Ben', 'Chloé', 'Dan', 'Eve', 'Finn', 'Gus', 'Hana', 'Ivo', 'June', 'Kim', 'Lea']
const MOODS = ['calm', 'cheerful', 'tired', 'tense', 'proud', 'bored']
const PRODUCTS = ['bond fund', 'mortgage', 'savings plan', 'pension', 'insurance', 'index fund']

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** 2 March 2026, 9:00 UTC. */
export const MORNING = Date.UTC(2026, 2, 2, 9)
const LENGTH = 8 * HOUR
/** Below the ten minutes of grace of the topology, so that no answer is lost. */
const LATEST = 9 * MINUTE

/**
 * A working day, in the order in which the log hears of it. Phones send a mood when they find a network: three in
 * ten are late, by up to nine minutes. Some are corrected for the same instant, some are taken back.
 *
 * @param random numbers of 0 to 1; the same numbers give the same day.
 */
export function workingDay(random: () => number, recommendations: number, moods: number): readonly Arrival[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const instant = (): number => MORNING + Math.floor(random() * LENGTH)
  const delay = (share: number): number =>
    Math.floor(random() < share ? 30 * SECOND + random() * (LATEST - 30 * SECOND) : random() * 2 * SECOND)
  const times = (n: number): number[] => Array.from({ length: n }, instant).sort((a, b) => a - b)

  const said = times(moods).flatMap((eventTime): MoodArrival[] => {
    const consultant = pick(CONSULTANTS)
    const heard = (value: string | undefined, arrivesAt: number): MoodArrival => ({
      kind: 'mood',
      consultant,
      eventTime,
      mood: value === undefined ? undefined : { consultant, mood: value, eventTime },
      arrivesAt,
    })
    const chance = random()
    const arrivesAt = eventTime + delay(0.3)
    if (chance < 0.06) return [heard(undefined, arrivesAt)]
    if (chance < 0.1) return [heard(pick(MOODS), arrivesAt), heard(pick(MOODS), eventTime + delay(1))]
    return [heard(pick(MOODS), arrivesAt)]
  })
  const made = times(recommendations).map((eventTime, i): RecommendationArrival => {
    const id = `R${String(i + 1).padStart(4, '0')}`
    const client = `C${String(Math.floor(random() * 1_000)).padStart(3, '0')}`
    const recommendation = { id, consultant: pick(CONSULTANTS), client, product: pick(PRODUCTS), eventTime }
    return { kind: 'recommendation', recommendation, arrivesAt: eventTime + delay(0.05) }
  })
  return [...said, ...made].sort((a, b) => a.arrivesAt - b.arrivesAt)
}

/** A small seeded generator (mulberry32): the demonstration is the same every time. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
