import { type Duration, json, milliseconds, type Sink, stream, string, topic } from 'revlog'

// What other systems answered, as files beside the project record it, and how a case of theirs becomes one of ours.

export type Time = number | null | readonly [number, number]
export interface Row {
  readonly t: Time
  readonly k?: unknown
  readonly v: unknown
}
export interface Pair {
  readonly left: unknown
  readonly right: unknown
}
export interface JoinOptions {
  readonly how: 'left' | 'inner'
  readonly direction?: string
  readonly allowExactMatches?: boolean
  readonly tolerance?: number | null
  readonly grace?: number
}
export interface RecordedCase<E> {
  readonly name: string
  readonly options: JoinOptions
  readonly left: readonly Row[]
  readonly right: readonly Row[]
  readonly expected: E
}

/** A row on its way: the left ones numbered, which is their id. */
export interface Sent {
  readonly t: number | undefined
  readonly sequence: number
  readonly v: unknown
  readonly id?: string
}

export interface Step {
  readonly side: 'left' | 'right'
  readonly key: string
  readonly value: Sent | undefined
  /** Of a tombstone, which has no value to take it from. */
  readonly t: number | undefined
}

const timeOf = (t: Time): number | undefined =>
  Array.isArray(t) ? t[0] : ((t as number | null) ?? undefined)
const rowsOf = ({ left, right }: Pick<RecordedCase<unknown>, 'left' | 'right'>): readonly number[] =>
  [...left, ...right].map(({ t }) => timeOf(t)).filter((t) => t !== undefined)

/** Event times begin at 0; a composite key is one text. */
export function stepsOf(recorded: RecordedCase<unknown>): {
  readonly lefts: Step[]
  readonly rights: Step[]
} {
  const shift = Math.min(0, ...rowsOf(recorded))
  const step = (side: Step['side'], row: Row, id?: string): Step => {
    const at = timeOf(row.t)
    const t = at === undefined ? undefined : at - shift
    const sequence = Array.isArray(row.t) ? (row.t[1] as number) : 0
    const value = { t, sequence, v: row.v, ...(id === undefined ? {} : { id }) }
    return { side, key: JSON.stringify(row.k ?? null), t, value }
  }
  return {
    lefts: recorded.left.map((row, n) => step('left', row, `l${n}`)),
    rights: recorded.right.map((row) => step('right', row)),
  }
}

export interface Event {
  readonly side: 'left' | 'right' | 'watermark'
  readonly t: number
  readonly k: unknown
  readonly v: unknown
}
export const stepOf = ({ side, t, k, v }: Event, id: string | undefined): Step => {
  const key = JSON.stringify(k)
  if (v === null) return { side: side as Step['side'], key, t, value: undefined }
  return {
    side: side as Step['side'],
    key,
    t,
    value: { t, sequence: 0, v, ...(id === undefined ? {} : { id }) },
  }
}

/** The batch join in a few lines; the ids are the places in the log. */
export function batchOf(
  recorded: RecordedCase<unknown> & { readonly events?: readonly Event[] },
): readonly Pair[] {
  const { how, allowExactMatches = true } = recorded.options
  const log = recorded.events!.filter(({ side }) => side !== 'watermark')
  const rights = log.filter(({ side }) => side === 'right').sort((a, b) => a.t - b.t)
  return log
    .filter(({ side, v }) => side === 'left' && v !== null)
    .map(({ t, k, v }): Pair => {
      const match = rights.findLast((r) => r.k === k && (allowExactMatches ? r.t <= t : r.t < t))
      return { left: v, right: match?.v ?? null }
    })
    .filter(({ right }) => how === 'left' || right !== null)
}

export type StreamCase = RecordedCase<unknown> & { readonly events?: readonly Event[] }

/** How many of the file's cases have events to feed. */
export const STREAMS = { 'kafka-streams': 12, flink: 5, quix: 7, proton: 3 }

export const sorted = (table: Iterable<unknown>): readonly string[] =>
  [...table].map((row) => JSON.stringify(row)).sort()

export const BATCH = { clickhouse: 6, kdb: 1, polars: 6, questdb: 5, risingwave: 3, spark: 3 }

/** The topics of a case; the suffix tells those of several cases apart. */
export const topicsOf = (suffix = '') => ({
  lefts: topic(`lefts${suffix}`, { key: string(), value: json<Sent>(), timestamp: (row) => row.t }),
  rights: topic(`rights${suffix}`, { key: string(), value: json<Sent>(), timestamp: (row) => row.t }),
  pairs: topic(`pairs${suffix}`, { key: string(), value: json<Pair>() }),
})

/** The join of a case, as it goes to its topic. */
export function joinOf(
  { options }: RecordedCase<unknown>,
  { lefts, rights, pairs }: ReturnType<typeof topicsOf>,
  name: string,
  gracePeriod: Duration,
): Sink {
  const { how, allowExactMatches = true, tolerance } = options
  return stream(lefts)
    .asOfJoin(stream(rights), {
      name,
      how,
      id: (left) => left.id!,
      join: (left, right): Pair => ({ left: left.v, right: right === undefined ? null : right.v }),
      gracePeriod,
      allowExactMatches,
      sequence: (right) => right.sequence,
      late: 'emit',
      ...(tolerance === undefined || tolerance === null ? {} : { tolerance: milliseconds(tolerance) }),
    })
    .toStream()
    .to(pairs)
}
