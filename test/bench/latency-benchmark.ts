import { setTimeout as sleep } from 'node:timers/promises'
import { bytes, string } from '../../lib/serdes/primitives.js'
import type { Service } from '../../lib/service/service.js'
import { topic } from '../../lib/topology/topic.js'
import type { Benchmark } from './benchmarks.js'
import { inputFile } from './input-file.js'
import { jobOf, OUTPUT } from './jobs.js'
import { measure } from './measure.js'
import { producerBatches, withService } from './service-run.js'
import { GRACE_MS } from './workload.js'

const NAME = 'latency/asof-hot'
const PEAK_RECORDS = 300_000
const SECONDS = 10
/** How often the producer sends what is due. */
const TICK_MS = 5
const FILE_RECORDS = 1_000_000

/**
 * How long an answer takes at half the rate that the service can do: from the moment when a record is handed to
 * the broker until a subscriber has its answer, which is durable then. A correction counts from the arrival of the
 * late right record that it answers with. The producer keeps its rate, however long answers take.
 */
export const latency: readonly Benchmark[] = [
  {
    name: NAME,
    async run({ graceMs = GRACE_MS }) {
      const job = jobOf('asof-hot', { graceMs })
      const file = inputFile(job.workload, FILE_RECORDS)
      const peak = await withService(job, async (service) => {
        const started = performance.now()
        for (const batch of producerBatches(job, file, PEAK_RECORDS)) await service.broker.produce(batch)
        await service.caughtUp()
        return PEAK_RECORDS / ((performance.now() - started) / 1_000)
      })
      const perTick = Math.max(1, Math.round(((peak / 2) * TICK_MS) / 1_000))
      const records = Math.min(FILE_RECORDS, Math.round((perTick * SECONDS * 1_000) / TICK_MS))
      const arrived = new Float64Array(FILE_RECORDS)
      return withService(job, (service) =>
        measure(NAME, async ({ tick }) => {
          const done = new AbortController()
          const answers = follow(service, arrived, done.signal)
          const pending = [...producerBatches(job, file, records)].flat()
          const started = performance.now()
          const sent: Promise<unknown>[] = []
          for (let at = 0, n = 0; at < pending.length; at += perTick, n++) {
            await sleep(Math.max(0, started + n * TICK_MS - performance.now()))
            tick()
            const batch = pending.slice(at, at + perTick)
            const now = performance.now()
            for (const { value } of batch) arrived[value!.readDoubleBE(0)] = now
            sent.push(service.broker.produce(batch))
          }
          await Promise.all(sent)
          const rate = Math.round(records / ((performance.now() - started) / 1_000))
          await service.caughtUp()
          await sleep(500)
          done.abort()
          const { first, corrections } = await answers
          return {
            records,
            details: {
              ratePerSecond: rate,
              answers: first.length,
              corrections: corrections.length,
              firstP50Ms: quantile(first, 0.5),
              firstP99Ms: quantile(first, 0.99),
              correctionP50Ms: quantile(corrections, 0.5),
              correctionP99Ms: quantile(corrections, 0.99),
            },
          }
        }),
      )
    },
  },
]

const answers = topic(OUTPUT, { key: string(), value: bytes() })

/** Milliseconds from arrival to answer, until it is told to stop. */
async function follow(service: Service, arrived: Float64Array, signal: AbortSignal) {
  const first: number[] = []
  const corrections: number[] = []
  const seen = new Set<string>()
  for await (const { key, value } of service.subscribe(answers, { from: 'latest', signal })) {
    const now = performance.now()
    if (seen.has(key!)) {
      corrections.push(now - arrived[value!.readDoubleBE(value!.length - 8)]!)
    } else {
      seen.add(key!)
      first.push(now - arrived[Number(key)]!)
    }
  }
  return { first, corrections }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  return Number((sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN).toFixed(1))
}
