import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_HEADERS, type ProducerRecord } from '../../lib/core/record.js'
import { run } from '../../lib/service/run.js'
import type { Service } from '../../lib/service/service.js'
import { type Job, OUTPUT } from './jobs.js'
import { readWorkload } from './workload.js'

/** A service in a folder of its own, which is removed afterwards. */
export async function withService<T>(
  job: Job,
  use: (service: Service, folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'revlog-bench-service-'))
  try {
    const service = await run(job.topology, { directory: folder, maxTaskIdle: -1 })
    try {
      return await use(service, folder)
    } finally {
      await service.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The records of a file as a producer sends them, a few thousand at a time. */
export function* producerBatches(job: Job, file: string, limit: number): Generator<ProducerRecord[]> {
  for (const chunk of readWorkload(file, limit)) {
    yield chunk.map(({ side, timestamp, key, value }) => ({
      topic: job.inputs[side]!,
      partition: undefined,
      key,
      value,
      timestamp,
      headers: NO_HEADERS,
    }))
  }
}

/** How many records the output topic has. */
export const outputsOf = async ({ broker }: Service): Promise<number> =>
  (await broker.endOffsets(OUTPUT)).reduce((sum, end) => sum + end, 0)
