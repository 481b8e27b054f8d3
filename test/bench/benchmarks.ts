import { engine } from './engine-benchmark.js'
import { kafka } from './kafka-benchmark.js'
import { memory } from './memory-benchmark.js'
import { restore } from './restore-benchmark.js'
import type { Result } from './result.js'
import { service } from './service-benchmark.js'
import { wire } from './wire-benchmark.js'

/** How the command was called. */
export interface BenchOptions {
  /** Of the input; each benchmark has its own default. */
  readonly records: number | undefined
  readonly commitEvery: number
  readonly graceMs: number | undefined
  /** Of the latency on Kafka: records per second, instead of half of each system's own peak. */
  readonly rate: number | undefined
  /** Compare the answers with a batch computation, off the clock. */
  readonly verify: boolean
  /** How much memory each process may have, its part of the page cache included; any when absent. */
  readonly memoryMiB?: number | undefined
  /** For those that need Kafka: the broker of this run. */
  readonly kafka: KafkaUnderTest | undefined
}

export interface KafkaUnderTest {
  readonly address: string
  /** For its CPU time, when it is on this machine. */
  readonly pid: number | undefined
}

/** One thing to measure. It has a process of its own, so that its peak memory is its own. */
export interface Benchmark {
  readonly name: string
  /** Only runs when it is named. */
  readonly slow?: boolean
  readonly run: (options: BenchOptions) => Promise<Result>
  /** Needs a broker, which all those of a run share. */
  readonly onKafka?: boolean
  /** Others that do the same, on the same input; only with `--peers`, or where a broker is needed anyway. */
  readonly rivals?: readonly Rival[]
}

/** Another system, measured in turn with ours. */
export interface Rival {
  readonly name: string
  /** How often at most: one that is a hundred times slower need not be measured to a tenth. */
  readonly runs?: number
  /** A sentence that says what is missing; `undefined` when it can run. Builds what was not built yet. */
  readonly missing: () => string | undefined
  readonly run: (options: BenchOptions) => Promise<Result>
}

/** In the order in which they run when no name is given. */
export const BENCHMARKS: readonly Benchmark[] = [
  ...engine,
  ...restore,
  ...service,
  ...memory,
  ...wire,
  ...kafka,
]
