import type { ProducerRecord } from '../../../lib/core/record.js'
import { type Mood, moods, type Recommendation, recommendations } from './topology.js'

/** The record that is number `i` of the input, the same in every process. */
export type Input =
  | { readonly side: 'left'; readonly consultant: string; readonly value: Recommendation }
  | { readonly side: 'right'; readonly consultant: string; readonly value: Mood }

const CONSULTANTS = 40
const MOODS = ['calm', 'cheerful', 'cross', 'tired']
const START = 1_700_000_000_000

export function inputOf(i: number): Input {
  const random = hashes(i)
  const consultant = `c${random() % CONSULTANTS}`
  const late = random() % 10 === 0 ? random() % 8_000 : random() % 50
  const at = START + i * 10 - late
  if (random() % 3 > 0) {
    return { side: 'left', consultant, value: { id: `r${i}`, price: random() % 1_000, at } }
  }
  return { side: 'right', consultant, value: { mood: MOODS[random() % MOODS.length]!, at } }
}

export function recordOf(input: Input): ProducerRecord {
  const { consultant, value } = input
  const topic = input.side === 'left' ? recommendations : moods
  return {
    topic: topic.name,
    partition: undefined,
    key: topic.key.encode(consultant),
    value: topic.value.encode(value as Recommendation & Mood),
    timestamp: value.at,
    headers: [],
  }
}

/** A stream of numbers that only depends on where it begins. */
function hashes(seed: number): () => number {
  let state = (seed + 0x9e3779b9) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}
