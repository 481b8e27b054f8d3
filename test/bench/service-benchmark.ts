import { run } from '../../lib/service/run.js'
import type { Benchmark } from './benchmarks.js'
import { inputFile } from './input-file.js'
import { type JobName, jobOf, OUTPUT } from './jobs.js'
import { measure } from './measure.js'
import { measureLatency } from './service-latency.js'
import { fillDirectory, scratchDirectory } from './service-run.js'
import { sizeOf } from './state-folder.js'
import { GRACE_MS } from './workload.js'

const RECORDS = 1_000_000
const LATENCY_RECORDS = 2_000_000

/**
 * The service end to end on one machine: the input is in the log, the clock runs from before the directory is opened
 * until the last answer is on the disk.
 */
const throughput = (name: JobName): Benchmark => {
  const benchmark = `service/${name}`
  const { workload } = jobOf(name, { graceMs: GRACE_MS })
  return {
    name: benchmark,
    async run({ records = RECORDS, graceMs = GRACE_MS }) {
      const job = jobOf(name, { graceMs })
      const directory = scratchDirectory()
      try {
        await fillDirectory(directory.path, job, inputFile(workload, records), records)
        return await measure(benchmark, async ({ tick }) => {
          const service = await run(job.topology, { directory: directory.path })
          const ticking = setInterval(tick, 1)
          await service.caughtUp()
          clearInterval(ticking)
          const [outputs] = await service.broker.endOffsets(OUTPUT)
          const { counters, histograms } = service.metrics().service
          const commits = counters.get('commit-total')
          const commitMs = Math.round(histograms.get('commit-ms')!.quantile(0.5))
          await service.stop()
          return {
            records,
            details: { outputs, commits, commitMs, diskMiB: Math.round(sizeOf(directory.path) / 2 ** 20) },
          }
        })
      } finally {
        directory.remove()
      }
    },
  }
}

/** At half the rate that the service reaches: how long an answer takes, and a correction. */
const latency: Benchmark = {
  name: 'service/latency',
  async run({ records = LATENCY_RECORDS, graceMs = GRACE_MS }) {
    const job = jobOf('asof-hot', { graceMs })
    const file = inputFile('asof-hot', records)
    const directory = scratchDirectory()
    try {
      return await measure('service/latency', ({ tick }) =>
        measureLatency({ directory: directory.path, job, file, records, tick }),
      )
    } finally {
      directory.remove()
    }
  },
}

export const service: readonly Benchmark[] = [
  throughput('count'),
  throughput('asof-hot'),
  throughput('asof-wide'),
  latency,
]
