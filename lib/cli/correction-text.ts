import type { CorrectionReport, Distribution } from '../service/correction-report.js'
import { count, plural } from './progress.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Edges of the table of lateness, and grace periods that are weighed. */
const EDGES = [
  SECOND,
  10 * SECOND,
  MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  HOUR,
  6 * HOUR,
  DAY,
  7 * DAY,
  30 * DAY,
  365 * DAY,
]
/** Smaller grace periods that are shown. */
const CHOICES = 4

/**
 * The correction report for people: how many first answers were wrong, how long it took to correct them, how late
 * each side was, and what a smaller grace period would have lost.
 */
export function correctionText(report: CorrectionReport): readonly string[] {
  const { operator, firstAnswers, correctedAnswers, corrections, timeToCorrection, lateAnswers } = report
  if (firstAnswers === 0) return []
  return [
    `correction report of ${operator}, in event time:`,
    `  first answers        ${count(firstAnswers)}, of which ${count(correctedAnswers)} (${percent(correctedAnswers, firstAnswers)}) were corrected`,
    ...(corrections === 0
      ? []
      : [
          `  corrections          ${count(corrections)}: half within ${span(timeToCorrection.quantile(0.5))}, 99 % within ${span(timeToCorrection.quantile(0.99))}`,
        ]),
    ...(lateAnswers === 0
      ? []
      : [`  beyond the grace     ${plural(lateAnswers, 'answer')} that nothing corrects any more`]),
    ...latenessTable(report.lateness),
    ...graceTable(report.graceNeeded),
  ]
}

/** So many records of each side were late by up to so much; rows that would be empty are left out. */
function latenessTable({ left, right }: CorrectionReport['lateness']): readonly string[] {
  const row = (label: string, from: number, to: number): readonly string[] => {
    const counts = [left, right].map((side) => side.atLeast(from) - side.atLeast(to))
    if (counts.every((n) => n === 0)) return []
    return [`    ${label.padEnd(18)} ${counts.map((n) => count(n).padStart(11)).join(' ')}`]
  }
  return [
    `  lateness             ${'left'.padStart(11)} ${'right'.padStart(11)}`,
    ...row('on time', -1, 1),
    ...EDGES.flatMap((edge, i) => row(`up to ${span(edge)}`, EDGES[i - 1] ?? 1, edge)),
    ...row(`over ${span(EDGES.at(-1)!)}`, EDGES.at(-1)!, Infinity),
  ]
}

/** The greatest grace periods that would not have been enough, and what each would have lost. */
function graceTable(needed: Distribution): readonly string[] {
  if (needed.count === 0) return []
  const smaller = EDGES.filter((edge) => edge < needed.max && needed.atLeast(edge) > 0).slice(-CHOICES)
  return [
    `  a grace period of    would have lost`,
    `    ${span(needed.max).padEnd(18)} no correction: the longest that one needed`,
    ...smaller.toReversed().map((grace) => {
      const lost = needed.atLeast(grace)
      return `    ${span(grace).padEnd(18)} ${plural(lost, 'correction')} (${percent(lost, needed.count)})`
    }),
  ]
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`

/** `250 ms`, `48 s`, `3 min 20 s`, `5 h`, `12 days` */
export function span(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`
  if (ms < HOUR) return two(ms, MINUTE, 'min', SECOND, 's')
  if (ms < 2 * DAY) return two(ms, HOUR, 'h', MINUTE, 'min')
  return `${Math.round(ms / DAY)} days`
}

function two(ms: number, great: number, greatName: string, small: number, smallName: string): string {
  const all = Math.round(ms / small)
  const per = great / small
  const rest = all % per
  return `${Math.floor(all / per)} ${greatName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
}
