import type { ProducerRecord } from '../../lib/core/record.js'
import { createTask } from '../../lib/engine/task.js'
import {
  assignStoreIds,
  type ChangelogRecord,
  encodeCommit,
  encodeIdentity,
} from '../../lib/state/changelog.js'
import type { StateBackend } from '../../lib/state/port.js'
import type { Job } from './jobs.js'
import type { Stopwatch } from './measure.js'
import { readWorkload } from './workload.js'

export interface EngineRun {
  readonly job: Job
  readonly backend: StateBackend
  readonly file: string
  readonly records: number
  readonly commitEvery: number
  readonly onOutput?: (record: ProducerRecord) => void
  readonly onChangelog?: (record: ChangelogRecord) => void
  readonly watch?: Stopwatch
}

export interface EngineCounts {
  records: number
  outputs: number
  outputBytes: number
  changelogRecords: number
  changelogBytes: number
  readonly commits: number
}

const UNWATCHED: Stopwatch = { tick: () => {}, pause: (run) => run() }

/**
 * A task, called as a host calls it, on a file: everything that the service does with a record, except for the
 * broker. The records of a join are handed over one by one, so that they are taken in the order of the file, which
 * is how the Java peer is driven too; those of a single input come in batches, as a fetch brings them.
 */
export function runEngine(run: EngineRun): EngineCounts {
  const { job, backend, file, commitEvery, onOutput, onChangelog, watch = UNWATCHED } = run
  const part = job.topology.subTopologies.first()!
  const ids = assignStoreIds(
    new Map(),
    part.stores.map((store) => store.name),
  )
  const task = createTask({
    part,
    partition: 0,
    partitions: 1,
    state: backend,
    maxTaskIdleMs: -1,
    wallTime: 0,
  })
  for (const topic of task.topics) task.seek(topic, 0)
  const counts = {
    records: 0,
    outputs: 0,
    outputBytes: 0,
    changelogRecords: 0,
    changelogBytes: 0,
    commits: 0,
  }
  onChangelog?.(encodeIdentity(ids))

  function commit(): void {
    const { outputs, writes, metadata } = task.effects()
    counts.outputs += outputs.length
    for (const output of outputs) {
      counts.outputBytes += (output.key?.length ?? 0) + (output.value?.length ?? 0)
      onOutput?.(output)
    }
    const changes = encodeCommit(ids, writes, metadata)
    counts.changelogRecords += changes.length
    for (const change of changes) {
      counts.changelogBytes += change.key.length + (change.value?.length ?? 0)
      onChangelog?.(change)
    }
    backend.commit(writes, metadata)
    task.committed()
    counts.commits++
  }

  const [left, right] = job.inputs
  let uncommitted = 0
  // Where there is no peer to compare with, reading the file is off the clock: a broker's records are there already.
  const untimed = job.peer === undefined ? watch.pause : <T>(read: () => T): T => read()
  const chunks = readWorkload(file, run.records)
  for (;;) {
    watch.tick()
    const next = untimed(() => chunks.next())
    if (next.done === true) break
    const records = next.value
    if (right === undefined) {
      task.add(left, records)
      counts.records += task.process(0)
    } else {
      for (const record of records) {
        task.add(record.side === 0 ? left : right, [record])
        counts.records += task.process(0)
      }
    }
    uncommitted += records.length
    if (uncommitted >= commitEvery) {
      commit()
      uncommitted = 0
    }
  }
  commit()
  task.close()
  return counts
}
