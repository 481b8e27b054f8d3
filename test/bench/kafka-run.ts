import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KafkaClient } from '../../lib/brokers/kafka/kafka-client.js'
import { milliseconds } from '../../lib/core/duration.js'
import { run } from '../../lib/service/run.js'
import type { Service } from '../../lib/service/service.js'
import type { BenchOptions } from './benchmarks.js'
import { inputFile } from './input-file.js'
import { type JobName, type JobNames, jobOf } from './jobs.js'
import {
  applicationName,
  changelogsOf,
  deleteTopics,
  endOf,
  namesOnKafka,
  prepareTopics,
  withClient,
} from './kafka-topics.js'
import { resultOf } from './measure.js'
import type { Result } from './result.js'
import { cpuSecondsOf, createMemoryWatch, minus, usage } from './usage.js'
import { type Verifier, verifyAsOf, verifyCount } from './verify.js'
import { GRACE_MS } from './workload.js'

export type Guarantee = 'at_least_once' | 'exactly_once'

/** The longest that results wait: what Kafka Streams has under exactly once. */
export const COMMIT_MS = 100
const RECORDS = 1_000_000
const SAMPLE_MS = 20

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * All of an input that is there, by the clock of the Java peer: from the first record processed until the last answer
 * can be read, and here also until all of it is committed.
 */
export async function runOnce(
  benchmark: string,
  name: JobName,
  processingGuarantee: Guarantee,
  { records = RECORDS, graceMs = GRACE_MS, kafka, verify }: BenchOptions,
): Promise<Result> {
  const { workload } = jobOf(name, { graceMs })
  const file = inputFile(workload, records)
  const names = namesOnKafka(workload, file, applicationName(name))
  const { address, pid } = kafka!
  const directory = mkdtempSync(join(tmpdir(), 'revlog-bench-kafka-'))
  return withClient(address, async (client) => {
    try {
      await prepareTopics(client, names, workload, file, records)
      const memory = createMemoryWatch()
      const sampling = setInterval(memory.sample, SAMPLE_MS)
      const service = await run(jobOf(name, { graceMs, names }).topology, {
        brokers: address,
        directory,
        processingGuarantee,
        commitInterval: milliseconds(COMMIT_MS),
      })
      let before = { ours: usage(), broker: cpuSecondsOf(pid) }
      while (processedBy(service) === 0) {
        before = { ours: usage(), broker: cpuSecondsOf(pid) }
        await rest(1)
      }
      await service.caughtUp()
      const used = minus(usage(), before.ours)
      const brokerCpuSeconds = Number((cpuSecondsOf(pid) - before.broker).toFixed(2))
      clearInterval(sampling)
      const { counters, histograms } = service.metrics().service
      const load = loadavg()[0]!
      await service.stop()
      const details = {
        load: Number(load.toFixed(1)),
        outputs: await endOf(client, names.output),
        changelogRecords: await changelogOf(client, names),
        commits: counters.get('commit-total'),
        commitMs: Math.round(histograms.get('commit-ms')!.quantile(0.5)),
        brokerCpuSeconds,
        wrong: verify ? await wrongAnswers(client, names, name, file, records) : undefined,
      }
      const others = { ...used, machineCpuSeconds: used.machineCpuSeconds - brokerCpuSeconds }
      return resultOf(benchmark, records, others, memory.peak(), details)
    } finally {
      await deleteTopics(client, names.application)
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

const processedBy = (service: Service): number =>
  [...service.metrics().tasks.values()].reduce(
    (sum, { counters }) => sum + (counters.get('process-total') ?? 0),
    0,
  )

async function changelogOf(client: KafkaClient, { application }: JobNames): Promise<number> {
  const ends = await Promise.all(
    (await changelogsOf(client, application)).map((topic) => endOf(client, topic)),
  )
  return ends.reduce((sum, end) => sum + end, 0)
}

/** Reads the answers as any consumer does, and compares the last one of each key with a batch computation. */
async function wrongAnswers(
  client: KafkaClient,
  { output }: JobNames,
  name: JobName,
  file: string,
  records: number,
): Promise<number> {
  const verifier: Verifier = name === 'count' ? verifyCount(file, records) : verifyAsOf(file, records)
  const fetcher = client.fetcher({ isolation: 'read_committed' })
  const end = await endOf(client, output)
  for (let offset = 0; offset < end; ) {
    const [found] = await fetcher.poll([{ topic: output, partition: 0, offset }], { maxWaitMs: 100 })
    for (const record of found?.records ?? []) verifier.output({ ...record, topic: output, partition: 0 })
    offset = found?.nextOffset ?? offset
  }
  fetcher.close()
  return verifier.wrong()
}
