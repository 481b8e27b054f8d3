import { milliseconds } from '../../lib/core/duration.js'
import { run } from '../../lib/service/run.js'
import { type JobName, type JobNames, jobOf } from './jobs.js'
import { COMMIT_MS, type Guarantee } from './kafka-run.js'

/** How `kafka-app.js` is called: as JSON, its only argument. */
export interface AppOptions {
  readonly job: JobName
  readonly names: JobNames
  readonly graceMs: number
  readonly address: string
  readonly directory: string
  readonly guarantee: Guarantee
  /** Ends once it has caught up; otherwise with SIGTERM. */
  readonly untilCaughtUp: boolean
}

/** A topology of the benchmarks on Kafka, in a process of its own, as a user runs one. */
const { job, names, graceMs, address, directory, guarantee, untilCaughtUp } = JSON.parse(
  process.argv[2]!,
) as AppOptions
const service = await run(jobOf(job, { graceMs, names }).topology, {
  brokers: address,
  directory,
  processingGuarantee: guarantee,
  commitInterval: milliseconds(COMMIT_MS),
})
process.once('SIGTERM', () => void service.stop())
if (untilCaughtUp) {
  await service.caughtUp()
  await service.stop()
}
await service.finished
