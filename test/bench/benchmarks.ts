import { engine } from './engine-benchmark.js'
import { memory } from './memory-benchmark.js'
import { restore } from './restore-benchmark.js'
import type { Result } from './result.js'
import { service } from './service-benchmark.js'
import { wire } from './wire-benchmark.js'
import type { WorkloadName } from './workload.js'

/** How the command was called. */
export interface BenchOptions {
  /** Of the input; each benchmark has its own default. */
  readonly records: number | undefined
  readonly commitEvery: number
  readonly graceMs: number | undefined
}

/** One thing to measure. It has a process of its own, so that its peak memory is its own. */
export interface Benchmark {
  readonly name: string
  /** Only runs when it is named. */
  readonly slow?: boolean
  readonly run: (options: BenchOptions) => Promise<Result>
  /** The Java peer's program that does the same, for `--java`. */
  readonly peer?: Peer
}

export interface Peer {
  readonly app: string
  readonly workload: WorkloadName
  readonly options: readonly string[]
}

/** In the order in which they run when no name is given. */
export const BENCHMARKS: readonly Benchmark[] = [...engine, ...restore, ...service, ...memory, ...wire]
