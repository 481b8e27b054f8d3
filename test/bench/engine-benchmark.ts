import type { Benchmark } from './benchmarks.js'
import { runEngine } from './engine-run.js'
import { inputFile } from './input-file.js'
import { type JobName, jobOf } from './jobs.js'
import { measure } from './measure.js'
import { javaInProcess, UNCACHED } from './peer.js'
import { openScratch, type Stores } from './state-folder.js'
import { GRACE_MS } from './workload.js'

const RECORDS = 1_000_000

/** The engine alone: processing, encoding outputs and changelog, committing; no broker. */
const engineBenchmark = (name: JobName, stores: Stores): Benchmark => {
  const { peer, workload } = jobOf(name, { graceMs: GRACE_MS })
  const benchmark = `engine/${name}/${stores}`
  return {
    name: benchmark,
    ...(peer === undefined || stores === 'memory'
      ? {}
      : { rivals: [javaInProcess(benchmark, peer, workload, UNCACHED)] }),
    async run({ records = RECORDS, commitEvery, graceMs = GRACE_MS }) {
      const file = inputFile(workload, records)
      const job = jobOf(name, { graceMs })
      const scratch = openScratch(stores)
      try {
        return await measure(benchmark, (watch) => {
          const { records: done, ...details } = runEngine({
            job,
            backend: scratch.backend,
            file,
            records,
            commitEvery,
            watch,
          })
          return { records: done, details: { ...details, diskMiB: scratch.diskMiB() } }
        })
      } finally {
        await scratch.remove()
      }
    },
  }
}

export const engine: readonly Benchmark[] = [
  engineBenchmark('chain', 'memory'),
  engineBenchmark('count', 'memory'),
  engineBenchmark('count', 'lmdb'),
  engineBenchmark('asof-hot', 'memory'),
  engineBenchmark('asof-hot', 'lmdb'),
  engineBenchmark('asof-wide', 'memory'),
  engineBenchmark('asof-wide', 'lmdb'),
]
