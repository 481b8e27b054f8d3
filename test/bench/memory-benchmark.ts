import { hours } from '../../lib/core/duration.js'
import type { Benchmark } from './benchmarks.js'
import { runEngine } from './engine-run.js'
import { inputFile } from './input-file.js'
import { jobOf } from './jobs.js'
import { measure } from './measure.js'
import { openScratch } from './state-folder.js'
import { GRACE_MS } from './workload.js'

/** The as-of join on LMDB; what counts is the peak, which should follow neither the input nor the rows that are open. */
const memoryBenchmark = (name: string, records: number, graceMs: number): Benchmark => ({
  name,
  slow: records > 1_000_000,
  async run({ commitEvery }) {
    const job = jobOf('asof-hot', { graceMs })
    const file = inputFile(job.workload, records)
    const scratch = openScratch('lmdb')
    try {
      return await measure(name, (watch) => {
        const counts = runEngine({ job, backend: scratch.backend, file, records, commitEvery, watch })
        return { records: counts.records, details: { outputs: counts.outputs, diskMiB: scratch.diskMiB() } }
      })
    } finally {
      await scratch.remove()
    }
  },
})

export const memory: readonly Benchmark[] = [
  memoryBenchmark('memory/1M', 1_000_000, GRACE_MS),
  memoryBenchmark('memory/10M', 10_000_000, GRACE_MS),
  // The input spans 10,000 s, half of it lefts: within this grace all 5 M of them stay open.
  memoryBenchmark('memory/5M-open', 10_000_000, hours(24)),
]
