import type { ProducerRecord } from '../core/record.js'
import { NO_HEADERS } from '../core/record.js'
import { type ChangelogRecord, encodeCommit, type StoreIds } from '../state/changelog.js'
import type { StateBackend } from '../state/port.js'
import type { HostedTask } from './hosted-task.js'
import type { Journal } from './journal.js'
import type { Commit } from './loop.js'

/** Where what a task keeps is written. */
export interface TaskStorage {
  readonly backend: StateBackend
  readonly changelog: Changelog | undefined
}

/** The partition of a changelog topic that a task writes; a task without stores has none. */
export interface Changelog {
  readonly topic: string
  readonly partition: number
  readonly ids: StoreIds
}

/**
 * Makes what tasks processed true: outputs, changelogs, rows and positions of all of them in one transaction. So
 * after a crash an input is answered, and its answer is in the log, or neither happened; there is no protocol
 * between topics and state because there is nothing between them.
 */
export function createCommit(journal: Journal, storageOf: (hosted: HostedTask) => TaskStorage): Commit {
  return (due, pendingBytes) => {
    let tasks: readonly HostedTask[] = []
    let marks: readonly (() => void)[] = []
    const wallTime = Date.now()
    journal.transaction(() => {
      tasks = due()
      marks = tasks.map((hosted) => hosted.mark())
      for (const hosted of tasks) {
        const { backend, changelog } = storageOf(hosted)
        const { outputs, writes, metadata } = hosted.task.effects()
        if (outputs.length > 0) {
          createMissing(journal, outputs)
          journal.append(outputs)
        }
        if (changelog !== undefined) {
          journal.append(changelogRecords(changelog, encodeCommit(changelog.ids, writes, metadata), wallTime))
        }
        backend.commit(writes, metadata)
      }
      // State is written twice: as rows, and as a changelog.
    }, 2 * pendingBytes)
    for (const { task } of tasks) task.committed()
    return journal.flushed().then(() => {
      for (const reached of marks) reached()
    })
  }
}

/** Side topics are named by operators while they run: such a topic is made by its first record. */
function createMissing(journal: Journal, outputs: readonly ProducerRecord[]): void {
  const seen = new Set<string>()
  for (const { topic } of outputs) {
    if (seen.has(topic)) continue
    seen.add(topic)
    if (journal.find(topic) === undefined) {
      journal.create({ name: topic, partitions: 1, config: { cleanupPolicy: 'delete' } })
    }
  }
}

/** Their time is the time of writing and not of what they hold: retention and compaction go by it. */
export const changelogRecords = (
  { topic, partition }: Changelog,
  records: readonly ChangelogRecord[],
  wallTime: number,
): readonly ProducerRecord[] =>
  records.map(({ key, value }) => ({
    topic,
    partition,
    key,
    value,
    timestamp: wallTime,
    headers: NO_HEADERS,
  }))
