import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type WorkloadName, writeWorkload } from './workload.js'

/** A workload's file, made once and kept in the system's folder for temporary files. */
export function inputFile(workload: WorkloadName, records: number): string {
  const folder = join(tmpdir(), 'revlog-bench')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${workload}-${records}`)
  if (!existsSync(file)) {
    const unfinished = `${file}.${process.pid}`
    writeWorkload(workload, unfinished, records)
    renameSync(unfinished, file)
  }
  return file
}
