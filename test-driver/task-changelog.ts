import type { BinaryKey } from '../lib/core/binary-key.js'
import { keyOfBytes } from '../lib/core/binary-key.js'
import {
  assignStoreIds,
  type ChangelogRecord,
  createChangelogReader,
  encodeCommit,
  encodeIdentity,
} from '../lib/state/changelog.js'
import type { StoreWrites } from '../lib/state/port.js'

/** One change of a store, as it went to the changelog. */
export interface ChangelogEntry {
  /** The task whose store it is: `<sub-topology>_<partition>`. */
  readonly task: string
  readonly store: string
  readonly key: BinaryKey
  /** `undefined` where the row was deleted. */
  readonly value: Buffer | undefined
}

/** The changelog of one task: the very bytes that the service would write to its changelog topic. */
export interface TaskChangelog {
  readonly records: readonly ChangelogRecord[]
  /** The changes alone, with the store of each. */
  readonly entries: readonly Omit<ChangelogEntry, 'task'>[]
  readonly append: (writes: readonly StoreWrites[], metadata: Buffer) => void
  /** What the changelog adds up to; `undefined` when nothing was ever committed. */
  readonly restore: (
    compacted: boolean,
  ) => { readonly writes: readonly StoreWrites[]; readonly metadata: Buffer } | undefined
}

export function createTaskChangelog(stores: readonly string[]): TaskChangelog {
  const ids = assignStoreIds(new Map(), stores)
  const records: ChangelogRecord[] = [encodeIdentity(ids)]
  const entries: Omit<ChangelogEntry, 'task'>[] = []
  return {
    records,
    entries,
    append(writes, metadata) {
      for (const record of encodeCommit(ids, writes, metadata)) records.push(record)
      for (const { store, writes: rows } of writes) {
        for (const { key, value } of rows) entries.push({ store, key, value })
      }
    },
    restore(compacted) {
      const reader = createChangelogReader()
      for (const record of compacted ? lastOfEachKey(records) : records) reader.add(record)
      return reader.take()
    },
  }
}

function lastOfEachKey(records: readonly ChangelogRecord[]): readonly ChangelogRecord[] {
  const last = new Map(records.map((record, index) => [keyOfBytes(record.key), index]))
  return records.filter((record, index) => last.get(keyOfBytes(record.key)) === index)
}
