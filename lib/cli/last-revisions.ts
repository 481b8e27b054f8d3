import { keyOfBytes } from '../core/binary-key.js'
import { type LogRecord, lastHeader } from '../core/record.js'
import { compareRevisions, REVISION_HEADERS } from '../core/revision.js'

export interface Kept {
  readonly partition: number
  readonly record: LogRecord
}

/** The table that a log stands for: the last record of each key. */
export interface LastRevisions {
  /** Takes the next record of a partition. Says whether it is the last one of its key now. */
  readonly add: (partition: number, record: LogRecord) => boolean
  /** By the bytes of their keys, ascending; without keys whose last record is a tombstone. */
  readonly rows: () => readonly Kept[]
}

/**
 * Of two records of a key the one with the greater revision is the later one, wherever they stand in the log:
 * replays and zombies change nothing. Records without a revision are as late as their offset. A tombstone is
 * kept, or an older revision that follows would bring the key back.
 */
export function lastRevisions(): LastRevisions {
  const last = new Map<string, Kept>()
  return {
    add(partition, record) {
      if (record.key === undefined) return false
      const key = keyOfBytes(record.key)
      const before = last.get(key)
      if (before !== undefined && isLater(before.record, record)) return false
      last.set(key, { partition, record })
      return true
    },
    rows: () =>
      [...last]
        .filter(([, { record }]) => record.value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, kept]) => kept),
  }
}

function isLater(a: LogRecord, b: LogRecord): boolean {
  const left = lastHeader(a.headers, REVISION_HEADERS.revision)
  const right = lastHeader(b.headers, REVISION_HEADERS.revision)
  return left !== undefined && right !== undefined && compareRevisions(left, right) > 0
}
