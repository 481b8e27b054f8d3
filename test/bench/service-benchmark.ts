import type { Benchmark } from './benchmarks.js'
import { inputFile } from './input-file.js'
import { type JobName, jobOf } from './jobs.js'
import { measure } from './measure.js'
import { outputsOf, producerBatches, withService } from './service-run.js'
import { sizeOf } from './state-folder.js'
import { GRACE_MS } from './workload.js'

const RECORDS = 1_000_000
/** Calls of a producer that are on their way at once. */
const IN_FLIGHT = 4

/**
 * The service on the embedded broker, end to end: records are produced, durably, while the service runs, until
 * every answer is durable too. Producer and service share one process, so both are in the figures.
 */
const serviceBenchmark = (name: JobName): Benchmark => {
  const benchmark = `service/${name}`
  return {
    name: benchmark,
    run({ records = RECORDS, graceMs = GRACE_MS }) {
      const job = jobOf(name, { graceMs })
      const file = inputFile(job.workload, records)
      return withService(job, (service, folder) =>
        measure(benchmark, async ({ tick }) => {
          const inFlight = new Set<Promise<unknown>>()
          for (const batch of producerBatches(job, file, records)) {
            tick()
            const sent = service.broker.produce(batch)
            inFlight.add(sent)
            sent.finally(() => inFlight.delete(sent))
            if (inFlight.size === IN_FLIGHT) await Promise.race(inFlight)
          }
          await Promise.all(inFlight)
          await service.caughtUp()
          return {
            records,
            details: {
              outputs: await outputsOf(service),
              commits: service.metrics().service.counters.get('commit-total'),
              diskMiB: Math.round(sizeOf(folder) / 2 ** 20),
            },
          }
        }),
      )
    },
  }
}

export const service: readonly Benchmark[] = [
  serviceBenchmark('count'),
  serviceBenchmark('asof-hot'),
  serviceBenchmark('asof-wide'),
]
