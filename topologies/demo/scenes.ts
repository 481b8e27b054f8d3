import type { Answer } from './answers.js'
import type { Arrival, MoodArrival } from './day.js'
import { clock, type Paint, span } from './paint.js'

/** What a scene shows, and why it is so. */
export interface Scene {
  readonly title: string
  readonly why: string
}

export const SCENES = {
  first: {
    title: 'Each recommendation is answered at once, with the mood known by then.',
    why: 'Nothing waits for moods that may come later.',
  },
  late: {
    title: 'A late mood corrects the answers that it belongs to, and no others.',
    why: 'A correction has the key of its answer and a greater revision.',
  },
  tie: {
    title: 'Two moods for one instant: the one that arrives later counts.',
    why: 'The log decides, so all who read it agree.',
  },
  withdrawn: {
    title: 'A mood is taken back: from that time on nothing is known.',
    why: 'A tombstone is a version like any other, and may be late like any other.',
  },
} satisfies { readonly [name: string]: Scene }

export type SceneName = keyof typeof SCENES

/** The scene that an arrival and its answers make. `heard`: the instants of the moods before it. */
export function sceneOf(
  arrival: Arrival,
  answers: readonly Answer[],
  heard: ReadonlySet<string>,
): SceneName | undefined {
  if (arrival.kind === 'recommendation') return 'first'
  if (answers.length === 0) return undefined
  if (arrival.mood === undefined) return 'withdrawn'
  if (heard.has(instantOf(arrival))) return 'tie'
  return answers.length >= 2 ? 'late' : undefined
}

export const instantOf = ({ consultant, eventTime }: MoodArrival): string => `${consultant} ${eventTime}`

const INDENT = '    '
/** Corrections that are shown of one mood. */
const SHOWN = 4

export function firstAnswer({ advice, revision }: Answer, paint: Paint): string {
  const { eventTime, id, consultant, product, mood } = advice
  const who = `${consultant.padEnd(6)} ${product.padEnd(12)}`
  return `${INDENT}${clock(eventTime)}  ${id}  ${who}  mood ${paint.bold(mood.padEnd(8))}  ${revisionText(revision, paint)}`
}

/** A mood, and the answers that it corrected. */
export function corrections(
  arrival: MoodArrival,
  answers: readonly Answer[],
  paint: Paint,
): readonly string[] {
  const { consultant, eventTime, mood, arrivesAt } = arrival
  const since = clock(eventTime)
  const said = mood === undefined ? `no mood from ${since} on` : `${paint.bold(mood.mood)} since ${since}`
  const late = paint.red(`${span(arrivesAt - eventTime)} late`)
  const more = answers.length - SHOWN
  return [
    `${INDENT}${clock(arrivesAt)}  ${paint.cyan(`${consultant}:`)} ${said}, ${late}`,
    ...answers.slice(0, SHOWN).map(({ advice, before = '', revision }) => {
      const change = `${paint.red(before.padStart(8))} → ${paint.green(advice.mood.padEnd(8))}`
      return `${INDENT}   ↳ ${clock(advice.eventTime)}  ${advice.id}  ${change}  ${revisionText(revision, paint)}`
    }),
    ...(more > 0 ? [paint.dim(`${INDENT}     and ${more} more`)] : []),
  ]
}

const revisionText = (revision: string, paint: Paint): string => paint.dim(`revision ${revision}`)
