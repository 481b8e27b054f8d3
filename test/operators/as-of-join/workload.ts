import { milliseconds } from '../../../lib/core/duration.js'
import type { AsOfJoinOptions, How } from '../../../lib/operators/as-of-join/index.js'

/** mulberry32: numbers of 0 to 1 that a seed decides. */
export function randomOf(seed: number) {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    int: (below: number): number => Math.floor(next() * below),
    chance: (p: number): boolean => next() < p,
    pick: <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!,
  }
}
export type Random = ReturnType<typeof randomOf>

export interface LeftEvent {
  readonly id: string
  readonly v: number
}
/** `0`, `''`, `{}` and `null` are values; none of them is "no match". */
export type RightValue = number | string | null | { readonly v?: number; readonly s?: number }

export type Arrival =
  | { readonly side: 'left'; readonly key: string; readonly t: number; readonly value: LeftEvent }
  | {
      readonly side: 'right'
      readonly key: string
      readonly t: number
      readonly value: RightValue | undefined
    }

export interface Answer {
  readonly id: string
  readonly v: number
  readonly key: string
  readonly right: RightValue | 'no match'
}

export type Options = AsOfJoinOptions<string, LeftEvent, RightValue, Answer, How, string>

/** Everything that a seed decides: options and arrivals whose lateness is at most the grace period. */
export interface Case {
  readonly seed: number
  readonly options: Options
  /** In order of arrival. */
  readonly arrivals: readonly Arrival[]
}

const sequenceOf = (right: RightValue): number =>
  typeof right === 'object' && right !== null && right.s !== undefined ? right.s : 0

export function caseOf(seed: number): Case {
  const random = randomOf(seed)
  const span = 20 + random.int(80)
  const grace = random.pick([0, 3, 10, 30, 200])
  const how: How = random.pick(['left', 'inner'])
  const sequenced = random.chance(0.2)
  const timing = random.int(8)
  const options: Options = {
    name: 'join',
    how,
    id: (left) => left.id,
    join: (left, right, key) => ({
      id: left.id,
      v: left.v,
      key,
      right: right === undefined ? 'no match' : right,
    }),
    gracePeriod: milliseconds(grace),
    allowExactMatches: random.chance(0.7),
    ...(random.chance(0.3) ? { tolerance: milliseconds(random.int(25)) } : {}),
    ...(sequenced ? { sequence: sequenceOf } : {}),
    ...(random.chance(0.5) ? { tombstoneRetention: milliseconds(random.pick([0, 5, 1_000])) } : {}),
    ...(timing === 0 ? { corrections: { every: milliseconds(1 + random.int(20)) } } : {}),
    ...(timing === 1 ? { emit: 'final' as const } : {}),
    ...(timing === 2 && grace > 0 ? { delay: milliseconds(1 + random.int(grace)) } : {}),
    ...(timing === 3 ? { finals: true } : {}),
  }
  const arrivals: { readonly at: number; readonly arrival: Arrival }[] = []
  const keys = ['a', 'b', ''].slice(0, 1 + random.int(3))
  // One side may be far behind the other: only the slower one says what may still come.
  const behind = {
    left: 0,
    right: 0,
    [random.pick(['left', 'right'])]: random.chance(0.5) ? random.int(3 * span) : 0,
  }
  const add = (arrival: Arrival): void => {
    const late = random.chance(0.4) ? 0 : random.next() * grace
    arrivals.push({ at: arrival.t + late + behind[arrival.side], arrival })
  }
  const events = 5 + random.int(35)
  for (let n = 0; n < events; n++) {
    const key = random.pick(keys)
    const t = random.int(span)
    if (random.chance(0.5)) {
      const left: Arrival = { side: 'left', key, t, value: { id: `l${n}`, v: n } }
      add(left)
      if (random.chance(0.1)) add(left)
      if (random.chance(0.1)) add({ ...left, value: { id: `l${n}`, v: n + 1_000 } })
      continue
    }
    const value = random.pick<RightValue | undefined>([
      n,
      0,
      '',
      null,
      {},
      { v: n },
      { v: n, s: random.int(3) },
      undefined,
    ])
    add({ side: 'right', key, t, value })
    if (random.chance(0.15)) add({ side: 'right', key, t, value: { v: -1 - n, s: random.int(3) } })
  }
  arrivals.sort((x, y) => x.at - y.at)
  return { seed, options, arrivals: arrivals.map(({ arrival }) => arrival) }
}

/** The batch join over both full logs, in ten lines: the last left event of each id with the version valid at its time. */
export function batchJoin({
  options,
  arrivals,
}: Pick<Case, 'options' | 'arrivals'>): ReadonlyMap<string, Answer> {
  const { how, allowExactMatches = true, tolerance = Infinity, sequence } = options
  const rank = ({ value }: Arrival): number =>
    value === undefined ? 0 : (sequence?.(value as RightValue) ?? 0)
  const order = (a: Arrival, b: Arrival): number => a.t - b.t || rank(a) - rank(b)
  const rights = arrivals.filter((a) => a.side === 'right').sort(order) // stable: later in the log last
  const lefts = new Map(arrivals.filter((a) => a.side === 'left').map((left) => [left.value.id, left]))
  const answers = new Map<string, Answer>()
  for (const { key, t, value } of lefts.values()) {
    const match = rights.findLast((r) => r.key === key && (allowExactMatches ? r.t <= t : r.t < t))
    const right = match === undefined || t - match.t > tolerance ? undefined : match.value
    if (right !== undefined || how === 'left') answers.set(value.id, options.join(value, right as never, key))
  }
  return answers
}
