import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkloadName } from './workload.js'

/**
 * A workload's file, made once and kept in the system's folder for temporary files. Another process makes it: sorting
 * ten million arrivals takes more memory than what is to be measured here.
 */
export function inputFile(workload: WorkloadName, records: number): string {
  const folder = join(tmpdir(), 'revlog-bench')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${workload}-${records}`)
  if (!existsSync(file)) {
    const unfinished = `${file}.${process.pid}`
    const maker = join(import.meta.dirname, 'make-workload.js')
    const made = spawnSync(process.execPath, [maker, workload, unfinished, String(records)], {
      encoding: 'utf8',
    })
    if (made.status !== 0) throw new Error(`the workload could not be written: ${made.stderr}`)
    renameSync(unfinished, file)
  }
  return file
}
