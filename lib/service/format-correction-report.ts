import type { CorrectionReport, JoinReport } from './correction-report.js'
import type { Distribution } from './distribution.js'

/** The report as lines for a person, without colours, at most 100 columns wide; empty when there is nothing to say. */
export function formatCorrectionReport({ joins, dropped }: CorrectionReport): string {
  const lines = joins
    .filter(({ lateness, corrections }) => lateness.left.count > 0 || corrections > 0)
    .flatMap(formatJoin)
  for (const [reason, n] of [...dropped].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`dropped ${integer(n)} ${n === 1 ? 'record' : 'records'}: ${reason}`)
  }
  return lines.join('\n')
}

function formatJoin(join: JoinReport): readonly string[] {
  const { timeToCorrection, gracePeriods } = join
  const lines = [
    `correction report of ${join.operator}, in event time:`,
    `  first answers   ${integer(join.firstAnswers)}${correctedOf(join)}, by ${integer(join.corrections)} corrections`,
    `  other answers   ${integer(join.suppressed)} looked at again and unchanged, ${integer(join.finals)} final, ${integer(join.lateAnswers)} late, ${integer(join.historyExpired)} without history`,
  ]
  if (timeToCorrection.count > 0) {
    const half = duration(timeToCorrection.quantile(0.5))
    const most = duration(timeToCorrection.quantile(0.99))
    lines.push(`  corrected       half within ${half}, 99 % within ${most}`)
  }
  lines.push('  lateness', ...table(join))
  if (gracePeriods.length === 0) lines.push('  grace period    everything came in order: none was needed')
  else {
    lines.push('  a smaller grace period would have lost, at most')
    lines.push(
      `    ${''.padStart(8)}  ${'corrections'.padStart(14)}  ${'too late'.padStart(14)}  of all events`,
    )
    for (const { gracePeriodMs, lostCorrections, lateLeftEvents, lostShare } of gracePeriods) {
      const cost = [lostCorrections, lateLeftEvents].map((n) => integer(n).padStart(14)).join('  ')
      lines.push(`    ${duration(gracePeriodMs).padStart(8)}  ${cost}  ${percent(lostShare)}`)
    }
  }
  return lines
}

/** A service corrects also what it has answered before it was last started. */
const correctedOf = ({ firstAnswers, correctedAnswers, correctedShare }: JoinReport): string =>
  correctedAnswers > firstAnswers
    ? `; of these and of earlier runs' ${integer(correctedAnswers)} were corrected`
    : `, of which ${integer(correctedAnswers)} (${percent(correctedShare)}) were corrected`

/** Edges that people think in. A bucket belongs to the first one that it does not exceed. */
const EDGES_MS = [0, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000]
const BAR = 20

function table({ lateness: { left, right } }: JoinReport): readonly string[] {
  const lefts = sharesOf(left)
  const rights = sharesOf(right)
  const rows = EDGES_MS.length + 1
  const lines = [`    ${' '.repeat(10)}  ${'left'.padEnd(BAR + 9)}  right`]
  for (let i = 0; i < rows; i++) {
    const l = lefts[i]!
    const r = rights[i]!
    if (l === 0 && r === 0) continue
    const edge = EDGES_MS[i]
    const name = edge === 0 ? 'in order' : edge === undefined ? 'more' : `< ${duration(edge)}`
    lines.push(`    ${name.padStart(10)}  ${bar(l)}  ${bar(r)}`.trimEnd())
  }
  return lines
}

function sharesOf({ buckets, count }: Distribution): readonly number[] {
  const shares = new Array<number>(EDGES_MS.length + 1).fill(0)
  for (const { from, to, count: n } of buckets) {
    const found = EDGES_MS.findIndex((edge) => (edge === 0 ? from === 0 : to <= edge * 1.1))
    const at = found === -1 ? EDGES_MS.length : found
    shares[at] = shares[at]! + n / Math.max(1, count)
  }
  return shares
}

const bar = (share: number): string =>
  `${percent(share).padStart(8)} ${'#'.repeat(Math.ceil(share * BAR)).padEnd(BAR)}`

const integer = (n: number): string => n.toLocaleString('en-US')

const percent = (share: number): string =>
  share === 0 ? '0 %' : share < 0.0001 ? '< 0.01 %' : `${(share * 100).toPrecision(share < 0.9995 ? 3 : 4)} %`

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** `2.5 s`, `10 min`, `1 d`: two digits are all that a histogram knows. */
function duration(ms: number): string {
  for (const [unit, length] of UNITS)
    if (ms >= length) return `${Number((ms / length).toPrecision(2))} ${unit}`
  return `${Math.round(ms)} ms`
}
