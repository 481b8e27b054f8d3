import { type BinaryKey, keyOfBytes } from '../core/binary-key.js'
import { RevlogError } from '../core/errors.js'
import type { StoreWrites, Write } from './port.js'

/**
 * The changelog of a task: every write of every store, and with each commit the metadata that belongs to it.
 *
 *     key    store id varint | the row's key          value  the row's value, or null when it was deleted
 *     key    00 00  identity                          value  JSON { stores: { name: id } }
 *     key    00 01  position                          value  the commit's metadata; the last record of a commit
 *
 * All of it survives compaction: the last record of each key is the state. What follows the last `position` belongs
 * to a commit that did not happen and is not applied. Ids are given by store name and never given again.
 */
export interface ChangelogRecord {
  readonly key: Buffer
  readonly value: Buffer | undefined
}

export type StoreIds = ReadonlyMap<string, number>

const IDENTITY = Buffer.of(0, 0)
const POSITION = Buffer.of(0, 1)

/** The ids of the stores: those already given stay, new stores get the next ones. */
export function assignStoreIds(known: StoreIds, stores: Iterable<string>): StoreIds {
  const ids = new Map(known)
  let last = Math.max(0, ...ids.values())
  for (const store of [...stores].sort()) if (!ids.has(store)) ids.set(store, ++last)
  return ids
}

/** What opens a changelog, and is written again whenever a store joins. */
export const encodeIdentity = (ids: StoreIds): ChangelogRecord => ({
  key: IDENTITY,
  value: Buffer.from(JSON.stringify({ stores: Object.fromEntries(ids) })),
})

/** The records of one commit, the marker last. */
export function encodeCommit(
  ids: StoreIds,
  writes: readonly StoreWrites[],
  metadata: Buffer,
): ChangelogRecord[] {
  const records: ChangelogRecord[] = []
  for (const { store, writes: rows } of writes) {
    const id = ids.get(store)
    if (id === undefined) throw new RevlogError('E_INVARIANT', `store ${store} has no id in the changelog`)
    for (const { key, value } of rows) records.push({ key: encodeKey(id, key), value })
  }
  records.push({ key: POSITION, value: metadata })
  return records
}

function encodeKey(id: number, key: BinaryKey): Buffer {
  const head = id < 0x80 ? 1 : 2
  const bytes = Buffer.allocUnsafe(head + key.length)
  if (head === 1) bytes[0] = id
  else {
    bytes[0] = 0x80 | (id & 0x7f)
    bytes[1] = id >>> 7
  }
  bytes.write(key, head, 'latin1')
  return bytes
}

/** Reads a changelog from its start: what the commits up to the last marker add up to. */
export interface ChangelogReader {
  readonly add: (record: ChangelogRecord) => void
  /** The commits completed since the last call, folded into one; `undefined` when there is none. */
  readonly take: () => { readonly writes: readonly StoreWrites[]; readonly metadata: Buffer } | undefined
  /**
   * The rows added since the last call, whether their commit is complete or not: for a log that holds all of a
   * commit or nothing of it. Compaction leaves one marker, at the end; who waits for it holds all of the state.
   */
  readonly takeRows: () => readonly StoreWrites[]
  /** What the last marker said; `undefined` before there was one. */
  readonly metadata: () => Buffer | undefined
  readonly ids: () => StoreIds
}

export function createChangelogReader(): ChangelogReader {
  let ids = new Map<string, number>()
  let names = new Map<number, string>()
  const open: ChangelogRecord[] = []
  let folded = new Map<string, Map<BinaryKey, Buffer | undefined>>()
  let metadata: Buffer | undefined
  let complete = false

  const close = (): void => {
    for (const { key, value } of open) {
      const long = key[0]! >= 0x80
      const id = long ? (key[0]! & 0x7f) | (key[1]! << 7) : key[0]!
      const store = names.get(id)
      if (store === undefined) {
        throw new RevlogError(
          'E_CHANGELOG_CORRUPT',
          `the changelog has a row of store ${id}, which it does not name`,
        )
      }
      let rows = folded.get(store)
      if (rows === undefined) {
        rows = new Map()
        folded.set(store, rows)
      }
      rows.set(keyOfBytes(key.subarray(long ? 2 : 1)), value)
    }
    open.length = 0
  }
  const unfold = (): StoreWrites[] => {
    const taken = [...folded].map(([store, rows]): StoreWrites => {
      const keys = [...rows.keys()].sort()
      return { store, writes: keys.map((key): Write => ({ key, value: rows.get(key) })) }
    })
    folded = new Map()
    return taken
  }
  return {
    ids: () => ids,
    add(record) {
      if (record.key[0] !== 0) {
        open.push(record)
        return
      }
      if (record.key[1] === 0) {
        const identity = JSON.parse(String(record.value)) as { stores: { [name: string]: number } }
        ids = new Map(Object.entries(identity.stores))
        names = new Map([...ids].map(([name, id]) => [id, name]))
        return
      }
      close()
      metadata = record.value
      complete = true
    },
    take() {
      if (metadata === undefined || !complete) return undefined
      complete = false
      return { writes: unfold(), metadata }
    },
    takeRows() {
      close()
      return unfold()
    },
    metadata: () => metadata,
  }
}
