import { parseArgs } from 'node:util'
import { BENCHMARKS, type Benchmark, type BenchOptions } from './benchmarks.js'
import { comparePeer, whyNoPeer } from './peer.js'
import { medianOf, type Result, tableOf } from './result.js'
import { runChild } from './run-child.js'

const USAGE = `usage: npm run bench -- [NAME…] [options]

  NAME               benchmarks whose names contain it; all but the slow ones (memory/10M …) when absent
  --list             print the names
  --records N        records of the input
  --commit-every N   records between two commits of the engine benchmarks (20000)
  --grace MS         grace period of the as-of joins
  --runs N           the median of so many runs (1; 3 with --java)
  --json             print lines of JSON instead of a table
  --java             run the Java peer on the same file in turn, and print ratios`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean' },
    records: { type: 'string' },
    'commit-every': { type: 'string' },
    grace: { type: 'string' },
    runs: { type: 'string' },
    json: { type: 'boolean' },
    java: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${text} is no whole number`)
  return value
}

async function main(): Promise<void> {
  if (values.help === true) return console.log(USAGE)
  const chosen = BENCHMARKS.filter(
    ({ name, slow = false }) =>
      positionals.some((part) => name.includes(part)) ||
      (positionals.length === 0 && (!slow || values.list === true)),
  )
  if (values.list === true) return console.log(chosen.map(({ name }) => name).join('\n'))
  if (chosen.length === 0) throw new RangeError(`no benchmark's name contains ${positionals.join(' or ')}`)
  const options: BenchOptions = {
    records: numberOf(values.records),
    commitEvery: numberOf(values['commit-every']) ?? 20_000,
    graceMs: numberOf(values.grace),
  }
  const missing = values.java === true ? whyNoPeer() : undefined
  if (missing !== undefined) console.error(missing)
  const java = values.java === true && missing === undefined
  const runs = numberOf(values.runs) ?? (java ? 3 : 1)
  const results: Result[] = []
  for (const benchmark of chosen) {
    for (const result of await measured(benchmark, options, runs, java)) {
      results.push(result)
      if (values.json === true) console.log(JSON.stringify(result))
      else console.error(`${result.benchmark}: ${result.recordsPerSecond.toLocaleString('en')} records/s`)
    }
  }
  if (values.json !== true) console.log(`\n${tableOf(results)}`)
}

/** Ours and the peer's in turn, so that both meet the same machine; of each the median. */
async function measured(
  benchmark: Benchmark,
  options: BenchOptions,
  runs: number,
  java: boolean,
): Promise<readonly Result[]> {
  const ours: Result[] = []
  const theirs: Result[] = []
  for (let i = 0; i < runs; i++) {
    ours.push(await runChild(benchmark.name, options))
    if (java && benchmark.peer !== undefined) theirs.push(await comparePeer(benchmark, options))
  }
  const median = medianOf(ours)
  if (theirs.length === 0) return [median]
  const peer = medianOf(theirs)
  const ratio = Number((median.recordsPerSecond / peer.recordsPerSecond).toFixed(2))
  return [{ ...median, timesJava: ratio }, peer]
}

await main().catch((thrown: unknown) => {
  console.error(thrown instanceof RangeError ? `bench: ${thrown.message}` : thrown)
  process.exitCode = 1
})
