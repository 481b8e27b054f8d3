import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../lib/service/run.js'
import type { BenchOptions } from './benchmarks.js'
import { inputFile } from './input-file.js'
import { type JobName, jobOf } from './jobs.js'
import type { AppOptions } from './kafka-app.js'
import { applicationName, deleteTopics, namesOnKafka, prepareTopics, withClient } from './kafka-topics.js'
import { resultOf } from './measure.js'
import type { Result } from './result.js'
import { runProgram } from './run-child.js'
import { createMemoryWatch, minus, usage } from './usage.js'

const RECORDS = 1_000_000
const SAMPLE_MS = 20

/**
 * The state of an application that has processed its input and lost its disk, back from the changelog. Another process
 * has made it. The clock runs from the task's assignment until it can process: with the claim of the changelog.
 */
export async function restoreOnKafka(
  benchmark: string,
  job: JobName,
  grace: number,
  { records = RECORDS, graceMs = grace, kafka }: BenchOptions,
): Promise<Result> {
  const { workload } = jobOf(job, { graceMs })
  const file = inputFile(workload, records)
  const names = namesOnKafka(workload, file, applicationName(`restore-${job}`))
  const { address } = kafka!
  const directory = mkdtempSync(join(tmpdir(), 'revlog-bench-kafka-'))
  return withClient(address, async (client) => {
    try {
      await prepareTopics(client, names, workload, file, records)
      const app: AppOptions = {
        ...{ job, names, graceMs, address, directory },
        guarantee: 'at_least_once',
        untilCaughtUp: true,
      }
      await runProgram('kafka-app.js', [JSON.stringify(app)])
      rmSync(directory, { recursive: true, force: true })
      const memory = createMemoryWatch()
      const sampling = setInterval(memory.sample, SAMPLE_MS)
      const before = usage()
      const service = await new Promise<{ readonly restored: number; readonly ms: number }>(
        (resolve, reject) => {
          const running = run(jobOf(job, { graceMs, names }).topology, {
            brokers: address,
            directory,
            onEvent(event) {
              if (event.kind !== 'restored') return
              resolve({ restored: event.records, ms: event.ms })
              void running.then(({ stop }) => stop())
            },
          })
          running.then(({ finished }) => finished.catch(reject), reject)
        },
      )
      clearInterval(sampling)
      const used = { ...minus(usage(), before), seconds: service.ms / 1_000 }
      const details = { unit: 'changelog records', load: Number(loadavg()[0]!.toFixed(1)) }
      return resultOf(benchmark, service.restored, used, memory.peak(), details)
    } finally {
      await deleteTopics(client, names.application)
      rmSync(directory, { recursive: true, force: true })
    }
  })
}
