import type { Screen } from './screen.js'

/** How far a piece of work is. */
export interface Progress {
  readonly done: number
  /** Of `done`; `undefined` where nobody knows. */
  readonly total: number | undefined
  /** What is counted, one of it: `record`. `done` and `total` may be bytes, of which `counted` records came. */
  readonly counted: number
  readonly unit: string
}

export interface ProgressLine {
  /** Looks at the work now and shows it, if it is time. Cheap to call often. */
  readonly tick: (now: number) => void
  /** Takes the line away and says in one line what was done. */
  readonly end: (now: number) => void
}

const LIVE_EVERY_MS = 200
const PLAIN_EVERY_MS = 5_000

/** One line that is replaced on a terminal; a plain line every five seconds where there is none. */
export function progressLine(
  screen: Screen,
  label: string,
  look: () => Progress,
  begin: number,
): ProgressLine {
  let last = begin
  return {
    tick(now) {
      if (now - last < (screen.live ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return
      last = now
      const line = progressText(label, look(), now - begin)
      if (screen.live) screen.status(line)
      else screen.say(line)
    },
    end(now) {
      const { counted, unit } = look()
      screen.status(undefined)
      screen.say(
        `${label}: ${plural(counted, unit)} in ${duration(now - begin)}${rate(counted, now - begin)}`,
      )
    },
  }
}

/** `moods: 12,345 records (40 %), 5,000/s, 12 s left` */
export function progressText(
  label: string,
  { done, total, counted, unit }: Progress,
  elapsedMs: number,
): string {
  const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total)
  const percent = share === undefined ? '' : ` (${Math.floor(share * 100)} %)`
  const left =
    share === undefined || share < 0.01 || share >= 1
      ? ''
      : `, ${duration((elapsedMs * (1 - share)) / share)} left`
  return `${label}: ${plural(counted, unit)}${percent}${rate(counted, elapsedMs)}${left}`
}

const rate = (n: number, elapsedMs: number): string =>
  elapsedMs < 100 || n === 0 ? '' : `, ${count(Math.round((n * 1000) / elapsedMs))}/s`

/** `12,345` */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',')

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min` */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

/** `1 record`, `2 records` */
export const plural = (n: number, unit: string): string => `${count(n)} ${unit}${n === 1 ? '' : 's'}`
