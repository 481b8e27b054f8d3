import { parseArgs } from 'node:util'
import { startKafka } from '../kafka/broker.js'
import {
  BENCHMARKS,
  type Benchmark,
  type BenchOptions,
  type KafkaUnderTest,
  type Rival,
} from './benchmarks.js'
import { compared, medianOf, type Result, tableOf } from './result.js'
import { runChild } from './run-child.js'

const USAGE = `usage: npm run bench -- [NAME…] [options]

  NAME               benchmarks whose names begin with it, or else contain it and are not slow (memory/10M, kafka-…);
                     all but the slow ones when absent
  --list             print the names
  --records N        records of the input
  --commit-every N   records between two commits of the engine benchmarks (20000)
  --grace MS         grace period of the as-of joins
  --runs N           the median of so many runs (1; 3 beside rivals)
  --memory MIB       no more memory than that for the process, page cache included, as a container's limit (Linux, root)
  --verify           also compare the answers on Kafka with a batch computation
  --rate N           records per second of kafka-latency, instead of half of each system's own peak
  --json             print lines of JSON instead of a table
  --java             run the Java peer on the same file in turn, and print ratios; on Kafka always
  --alone            no rivals on Kafka either
  --brokers H:P      a broker for kafka-…, instead of one that is started for this run
  --profile FOLDER   write CPU profiles`

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
    alone: { type: 'boolean' },
    verify: { type: 'boolean' },
    rate: { type: 'string' },
    memory: { type: 'string' },
    brokers: { type: 'string' },
    profile: { type: 'string' },
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
  const chosen = choose(values.list === true)
  if (values.list === true) return console.log(chosen.map(({ name }) => name).join('\n'))
  if (chosen.length === 0) throw new RangeError(`no benchmark's name contains ${positionals.join(' or ')}`)
  const broker = await brokerFor(chosen)
  try {
    await runAll(chosen, {
      records: numberOf(values.records),
      commitEvery: numberOf(values['commit-every']) ?? 20_000,
      graceMs: numberOf(values.grace),
      rate: numberOf(values.rate),
      memoryMiB: numberOf(values.memory),
      verify: values.verify === true,
      kafka: broker?.kafka,
    })
  } finally {
    await broker?.remove()
  }
}

async function runAll(chosen: readonly Benchmark[], options: BenchOptions): Promise<void> {
  const results: Result[] = []
  for (const benchmark of chosen) {
    for (const result of await measured(benchmark, options)) {
      results.push(result)
      if (values.json === true) console.log(JSON.stringify(result))
      else console.error(`${result.benchmark}: ${result.recordsPerSecond.toLocaleString('en')} records/s`)
    }
  }
  if (values.json !== true) console.log(`\n${tableOf(results)}`)
}

/** Those whose names begin with what was given; where none does, those that are not slow and contain it. */
function choose(slowToo: boolean): readonly Benchmark[] {
  if (positionals.length === 0) return BENCHMARKS.filter(({ slow = false }) => !slow || slowToo)
  const named = positionals.flatMap((part) => {
    const begin = BENCHMARKS.filter(({ name }) => name.startsWith(part))
    return begin.length > 0
      ? begin
      : BENCHMARKS.filter(({ name, slow = false }) => !slow && name.includes(part))
  })
  return BENCHMARKS.filter((benchmark) => named.includes(benchmark))
}

interface RunningBroker {
  readonly kafka: KafkaUnderTest
  readonly remove: () => Promise<void>
}

/** One for all, with the compiler that a broker has in earnest. */
async function brokerFor(chosen: readonly Benchmark[]): Promise<RunningBroker | undefined> {
  if (!chosen.some(({ onKafka = false }) => onKafka)) return undefined
  if (values.brokers !== undefined) {
    return { kafka: { address: values.brokers, pid: undefined }, remove: async () => {} }
  }
  const { address, pid, remove } = await startKafka({ java: [], proxies: 0 })
  return { kafka: { address, pid: pid() }, remove }
}

const said = new Set<string>()

/** Those that can run here; what is missing is said once. */
function present(rivals: readonly Rival[]): readonly Rival[] {
  return rivals.filter((rival) => {
    const missing = rival.missing()
    if (missing === undefined) return true
    if (!said.has(missing)) console.error(missing)
    said.add(missing)
    return false
  })
}

/** Ours and the rivals' in turn, so that all meet the same machine; of each the median. */
async function measured(benchmark: Benchmark, options: BenchOptions): Promise<readonly Result[]> {
  const { onKafka = false, rivals = [] } = benchmark
  const wanted = values.java === true || (onKafka && values.alone !== true)
  const others = wanted ? present(rivals) : []
  const runs = numberOf(values.runs) ?? (others.length > 0 ? 3 : 1)
  const ours: Result[] = []
  const theirs = new Map<Rival, Result[]>(others.map((rival) => [rival, []]))
  for (let i = 0; i < runs; i++) {
    ours.push(await runChild(benchmark.name, options, values.profile))
    for (const [rival, results] of theirs) {
      if (i < (rival.runs ?? runs)) results.push(await rival.run(options))
    }
  }
  const median = medianOf(ours)
  return [median, ...[...theirs.values()].map((results) => compared(medianOf(results), median))]
}

await main().catch((thrown: unknown) => {
  console.error(thrown instanceof RangeError ? `bench: ${thrown.message}` : thrown)
  process.exitCode = 1
})
