import type { Outcome } from './run.js'

/** The runs as tables in Markdown: one line a run, and what they add up to. */
export function report(outcomes: readonly Outcome[], failed: number, spoilt: number): string {
  const kinds = new Map<string, number>()
  for (const { faults } of outcomes) {
    for (const [kind, n] of faults) kinds.set(kind, (kinds.get(kind) ?? 0) + n)
  }
  const groups = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const name = `${outcome.application} | ${outcome.guarantee}`
    groups.set(name, [...(groups.get(name) ?? []), outcome])
  }
  const sum = (of: readonly Outcome[], what: (outcome: Outcome) => number): number =>
    of.reduce((total, outcome) => total + what(outcome), 0)
  const faultsOf = ({ faults }: Outcome): number => [...faults.values()].reduce((a, b) => a + b, 0)
  const line = (name: string, of: readonly Outcome[]): string =>
    [
      '',
      name,
      of.length,
      sum(of, ({ inputs }) => inputs),
      sum(of, faultsOf),
      sum(of, ({ takeovers }) => takeovers),
      sum(of, ({ strays }) => strays),
      sum(of, ({ repeated }) => repeated),
      sum(of, ({ lastWords }) => lastWords),
      '',
    ]
      .join(' | ')
      .trim()
  const columns =
    'application | guarantee | runs | inputs | faults | takeovers | stray records | repeated answers | last words of zombies'
  return [
    `| ${columns} |`,
    `| --- | --- |${' ---: |'.repeat(7)}`,
    ...[...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, of]) => line(name, of)),
    line('**all** |', outcomes),
    '',
    `${outcomes.length} runs were right, ${failed} were not. ${spoilt} were repeated: the broker had forgotten transactions.`,
    '',
    '| fault | happened |',
    '| --- | ---: |',
    ...[...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, n]) => `| ${kind} | ${n} |`),
  ].join('\n')
}
