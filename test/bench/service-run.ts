import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDirectory } from '../../lib/brokers/embedded/directory.js'
import { NO_HEADERS, type ProducerRecord } from '../../lib/core/record.js'
import type { Job } from './jobs.js'
import { readWorkload, type WorkloadRecord } from './workload.js'

/** A directory for a service that is thrown away afterwards. */
export interface ScratchDirectory {
  readonly path: string
  readonly remove: () => void
}

export function scratchDirectory(): ScratchDirectory {
  const path = mkdtempSync(join(tmpdir(), 'revlog-bench-service-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export const recordOf =
  ({ inputs: [left, right] }: Job) =>
  ({ side, timestamp, key, value }: WorkloadRecord): ProducerRecord => ({
    topic: side === 0 ? left : right!,
    partition: 0,
    key,
    value,
    timestamp,
    headers: NO_HEADERS,
  })

/** Puts a workload into the topics of a directory, in the order of the file. */
export async function fillDirectory(path: string, job: Job, file: string, records: number): Promise<void> {
  const directory = await openDirectory(path)
  for (const name of job.inputs) {
    await directory.broker.createTopic({ name: name!, partitions: 1, config: { cleanupPolicy: 'delete' } })
  }
  for (const chunk of readWorkload(file, records)) directory.log.append(chunk.map(recordOf(job)))
  await directory.close()
}
