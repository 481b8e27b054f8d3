import { inspect } from 'node:util'
import type { Difference } from './differences.js'
import type { Outcome } from './run.js'
import type { Schedule, Step } from './schedule.js'

export interface Failure {
  readonly topology: string
  readonly seed: number
  readonly schedule: Schedule
  readonly differences: readonly Difference[]
  readonly expected: Outcome
  readonly actual: Outcome
  /** Records given. */
  readonly total: number
}

const SHOWN_DIFFERENCES = 5
const SHOWN_STEPS = 60

/** What a person needs to see why: which answers differ, and what has to happen for it, in order. */
export function describeFailure(failure: Failure): string {
  const { topology, seed, schedule, differences, expected, actual, total } = failure
  const arrived = new Set(schedule.steps.flatMap((s) => (s.kind === 'arrive' ? [s.arrival] : []))).size
  const lines = schedule.steps.flatMap(stepText)
  return [
    `topology ${topology} gives another answer when its records arrive in another order (seed ${seed})`,
    ...limited(differences.map(differenceText), SHOWN_DIFFERENCES, 'more differences'),
    ...droppedText(expected.dropped, actual.dropped),
    `  the shortest schedule that shows it, ${arrived} of ${total} records` +
      `${schedule.commitEvery === 1 ? '' : `, a commit after every ${schedule.commitEvery}`}:`,
    ...limited(
      lines.map((line, i) => `  ${String(i + 1).padStart(4)}. ${line}`),
      SHOWN_STEPS,
      'more steps',
    ),
  ].join('\n')
}

const show = (value: unknown): string =>
  value === undefined ? 'nothing' : inspect(value, { depth: 6, breakLength: Infinity, compact: true })

const differenceText = ({ topic, key, expected, actual }: Difference): string =>
  `  ${topic} ${show(key)}: in order ${show(expected)}, in this run ${show(actual)}`

function stepText(step: Step): string[] {
  switch (step.kind) {
    case 'arrive':
      return [`${step.arrival.text}${step.again ? ' (again)' : ''}`]
    case 'process':
      return []
    case 'crash':
      return [
        `crash after ${step.after} more record(s) are processed, before they are committed` +
          `${step.crash === 'resent' ? '; their outputs were sent already' : ''}`,
      ]
    case 'restart':
      return ['crash and restart']
    case 'wipe':
      return [`state lost, restored from the ${step.compacted ? 'compacted ' : ''}changelog`]
    case 'wait':
      return [`${step.ms} ms of wall-clock time pass`]
  }
}

/** Records that one run dropped and the other did not are often the reason. */
function droppedText(expected: ReadonlyMap<string, number>, actual: ReadonlyMap<string, number>): string[] {
  const reasons = [...new Set([...expected.keys(), ...actual.keys()])].sort()
  return reasons
    .filter((reason) => expected.get(reason) !== actual.get(reason))
    .map((r) => `  dropped as ${r}: in order ${expected.get(r) ?? 0}, in this run ${actual.get(r) ?? 0}`)
}

const limited = (lines: readonly string[], limit: number, what: string): readonly string[] =>
  lines.length <= limit ? lines : [...lines.slice(0, limit), `  … ${lines.length - limit} ${what}`]
