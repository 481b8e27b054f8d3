/** What one benchmark measured. A line of `--json`. */
export interface Result {
  readonly benchmark: string
  /** What a record is, where that is not a record of the input. */
  readonly unit?: string
  readonly records: number
  readonly seconds: number
  readonly recordsPerSecond: number
  readonly nsPerRecord: number
  readonly cpuSeconds: number
  /** CPU that everything else on the machine used meanwhile: above a tenth of the time, do not trust the run. */
  readonly othersCpuSeconds: number
  /** Processes that wanted to run in the last minute. */
  readonly load?: number
  readonly peakRssMiB: number
  readonly peakAnonMiB: number
  readonly peakMappedMiB: number
  /** Answers that are not those of the batch computation; absent when they were not compared. */
  readonly wrong?: number | undefined
  /** Whatever else the benchmark counted. */
  readonly [detail: string]: number | string | undefined
}

const COLUMNS: readonly (readonly [heading: string, cell: (result: Result) => string])[] = [
  ['benchmark', (r) => r.benchmark],
  ['records/s', (r) => r.recordsPerSecond.toLocaleString('en')],
  ['seconds', (r) => r.seconds.toFixed(2)],
  ['ns/record', (r) => r.nsPerRecord.toLocaleString('en')],
  ['CPU s', (r) => r.cpuSeconds.toFixed(2)],
  ['others', (r) => r.othersCpuSeconds.toFixed(2)],
  ['peak MiB', (r) => r.peakRssMiB.toLocaleString('en')],
  ['anon MiB', (r) => r.peakAnonMiB.toLocaleString('en')],
  ['mapped MiB', (r) => r.peakMappedMiB.toLocaleString('en')],
  ['also', (r) => details(r)],
]

const COMMON: readonly string[] = [
  'benchmark',
  'seconds',
  'recordsPerSecond',
  'nsPerRecord',
  'cpuSeconds',
  'othersCpuSeconds',
  'peakRssMiB',
  'peakAnonMiB',
  'peakMappedMiB',
]

const details = (result: Result): string =>
  Object.entries(result)
    .filter(([name, value]) => !COMMON.includes(name) && value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? value.toLocaleString('en') : value}`)
    .join(', ')

/** As aligned columns, with a heading. */
export function tableOf(results: readonly Result[]): string {
  const rows = [
    COLUMNS.map(([heading]) => heading),
    ...results.map((r) => COLUMNS.map(([, cell]) => cell(r))),
  ]
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          i === 0 || i === row.length - 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The run in the middle, by speed. */
export function medianOf(results: readonly Result[]): Result {
  const sorted = [...results].sort((a, b) => a.recordsPerSecond - b.recordsPerSecond)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** A rival's result, with how many times ours is as fast, and how many times the CPU it takes for a record. */
export function compared(theirs: Result, ours: Result): Result {
  const cpu = (result: Result): number => result.cpuSeconds / result.records
  const times = (a: number, b: number): number => Number((a / b).toFixed(2))
  return {
    ...theirs,
    revlogTimes: times(ours.recordsPerSecond, theirs.recordsPerSecond),
    cpuTimes: times(cpu(theirs), cpu(ours)),
  }
}
