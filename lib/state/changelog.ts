import { assert } from '../core/assert.js'
import { type BinaryKey, keyOfBytes } from '../core/binary-key.js'
import { messageOf, RevlogError } from '../core/errors.js'
import { type Headers, lastHeader } from '../core/record.js'
import type { StoreWrites, Write } from './port.js'

/**
 * The changelog of a task: every write of every store, and with each commit the metadata that belongs to it.
 *
 *     key    store id varint | the row's key          value  the row's value, or null when it was deleted
 *     key    00 00  identity                          value  JSON { stores: { name: id } }
 *     key    00 01  position                          value  the commit's metadata; the last record of a commit
 *     key    00 02  epoch                             value  JSON { epoch: n }: somebody takes over
 *
 * All of it survives compaction: the last record of each key is the state. What follows the last `position` belongs
 * to a commit that did not happen and is not applied. Ids are given by store name and never given again; a varint
 * is little-endian base 128. The metadata has the stores' fingerprints (see `fingerprints.ts`), so they are restored
 * with the rows.
 *
 * Where several processes can reach the log, each record also says in a header in which epoch it was written. They
 * only rise; what comes with a smaller one than was there before is of a writer who had been replaced.
 *
 * One record for each row, and not a commit in one: so compaction knows rows, and what a key was rewritten in the
 * meantime is gone from the log as it is from the store.
 */
export interface ChangelogRecord {
  readonly key: Buffer
  readonly value: Buffer | undefined
}

export type StoreIds = ReadonlyMap<string, number>

const IDENTITY = Buffer.of(0, 0)
const POSITION = Buffer.of(0, 1)
const EPOCH = Buffer.of(0, 2)
/** What a varint of two bytes counts to. */
const MAX_STORE_ID = 0x3fff

/** The ids of the stores: those already given stay, new stores get the next ones. */
export function assignStoreIds(known: StoreIds, stores: Iterable<string>): StoreIds {
  const ids = new Map(known)
  let last = Math.max(0, ...ids.values())
  for (const store of [...stores].sort()) if (!ids.has(store)) ids.set(store, ++last)
  return ids
}

export type ChangelogRecordKind = 'row' | 'identity' | 'position' | 'epoch'

/** @throws RevlogError `E_CHANGELOG_CORRUPT` for what no changelog holds. */
export function kindOf({ key }: { readonly key: Buffer | undefined }): ChangelogRecordKind {
  if (key === undefined || key.length === 0) throw corrupt('it holds a record without a key')
  if (key[0] !== 0) return 'row'
  if (key.length === 2) {
    if (key[1] === IDENTITY[1]) return 'identity'
    if (key[1] === POSITION[1]) return 'position'
    if (key[1] === EPOCH[1]) return 'epoch'
  }
  throw corrupt(`it holds a record of key ${key.toString('hex')}`)
}

/** Whether a record ends a commit. */
export const isMarker = (record: ChangelogRecord): boolean => kindOf(record) === 'position'

/** What opens a changelog, and is written again whenever a store joins. `id` tells it from another of its name. */
export const encodeIdentity = (ids: StoreIds, id?: string): ChangelogRecord => ({
  key: IDENTITY,
  value: Buffer.from(
    JSON.stringify({ ...(id === undefined ? {} : { id }), stores: Object.fromEntries(ids) }),
  ),
})

export const encodeEpoch = (epoch: number): ChangelogRecord => ({
  key: EPOCH,
  value: Buffer.from(JSON.stringify({ epoch })),
})

/** Short, because every record has it. */
const EPOCH_HEADER = 'e'

export const epochHeaders = (epoch: number): Headers =>
  Object.freeze([{ key: EPOCH_HEADER, value: Buffer.from(String(epoch)) }])

/** 0 for a record that says none. @throws RevlogError `E_CHANGELOG_CORRUPT` */
export function epochOf(headers: Headers): number {
  const value = headers.length === 0 ? undefined : lastHeader(headers, EPOCH_HEADER)
  if (value === undefined) return 0
  const epoch = Number(value.toString('latin1'))
  if (Number.isSafeInteger(epoch)) return epoch
  throw corrupt(`one of its epochs is ${value.toString('latin1')}`)
}

/** The records of one commit, the marker last. */
export function encodeCommit(
  ids: StoreIds,
  writes: readonly StoreWrites[],
  metadata: Buffer,
): ChangelogRecord[] {
  const records: ChangelogRecord[] = []
  for (const { store, writes: rows } of writes) {
    const id = ids.get(store)
    assert(id !== undefined && id <= MAX_STORE_ID, `store ${store} has an id in the changelog`)
    for (const { key, value } of rows) records.push({ key: encodeKey(id, key), value })
  }
  records.push({ key: POSITION, value: metadata })
  return records
}

export function encodeKey(id: number, key: BinaryKey): Buffer {
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

/** Rows and the metadata that makes them a state. */
export interface Commit {
  readonly writes: readonly StoreWrites[]
  readonly metadata: Buffer
}

/**
 * Reads a changelog from its start: what its commits add up to. Memory is bounded by the rows that differ, however
 * often each was written, and by what follows the last marker. Values are not copied: they keep the bytes that they
 * are a part of.
 *
 * @throws RevlogError `E_CHANGELOG_CORRUPT` for what no changelog holds.
 */
export interface ChangelogReader {
  readonly add: (record: ChangelogRecord) => void
  /**
   * The commits completed since the last call, folded into one; `undefined` when there is none. Rows of stores that
   * the log has not named yet stay: compaction may have left the identity behind them.
   */
  readonly take: () => Commit | undefined
  /**
   * The rows added since the last call, whether their commit is complete or not. Compaction leaves one marker, at
   * the end; who waits for it holds all of the state.
   */
  readonly takeRows: () => readonly StoreWrites[]
  /** How many records wait; of completed commits, rows. */
  readonly held: () => number
  /** The rows of the commit that no marker has ended yet. */
  readonly unclosed: () => readonly Write[]
  /** How many rows the last call kept back, because the log has not named their store. */
  readonly unnamed: () => number
  /** What the last marker said; `undefined` before there was one. */
  readonly metadata: () => Buffer | undefined
  readonly ids: () => StoreIds
}

/** The store and the key of a row, from a changelog record's key. */
export function decodeKey(whole: BinaryKey): { readonly id: number; readonly key: BinaryKey } {
  const first = whole.charCodeAt(0)
  if (first < 0x80) return { id: first, key: whole.slice(1) }
  return { id: (first & 0x7f) | (whole.charCodeAt(1) << 7), key: whole.slice(2) }
}

/** Rows by the whole key, with the store's id: in its order stores follow each other, and rows in each of them. */
type Rows = Map<BinaryKey, Buffer | undefined>

/** @param known the ids that the log gave before the place where reading begins */
export function createChangelogReader(known: StoreIds = new Map()): ChangelogReader {
  let ids = known
  let names = namesOf(ids)
  const open: Write[] = []
  let closed: Rows = new Map()
  let metadata: Buffer | undefined
  let complete = false
  let unnamed = 0

  function close(): void {
    for (const { key, value } of open) closed.set(key, value)
    open.length = 0
  }

  function unfold(): StoreWrites[] {
    const found: { store: string; writes: Write[] }[] = []
    const kept: Rows = new Map()
    let current: number | undefined
    let writes: Write[] | undefined
    for (const whole of [...closed.keys()].sort()) {
      const value = closed.get(whole)
      const { id, key } = decodeKey(whole)
      if (id !== current) {
        current = id
        const store = names.get(id)
        writes = store === undefined ? undefined : []
        if (store !== undefined) found.push({ store, writes: writes! })
      }
      if (writes === undefined) kept.set(whole, value)
      else writes.push({ key, value })
    }
    closed = kept
    unnamed = kept.size
    return found
  }

  return {
    ids: () => ids,
    metadata: () => metadata,
    held: () => open.length + closed.size,
    unclosed: () => open,
    unnamed: () => unnamed,
    add(record) {
      const { key, value } = record
      if (key[0] !== 0 && key.length > 0) {
        open.push({ key: keyOfBytes(key), value })
        return
      }
      const kind = kindOf(record)
      if (kind === 'epoch') return
      if (kind === 'identity') {
        ids = decodeIdentity(value).ids
        names = namesOf(ids)
        return
      }
      close()
      metadata = value
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
  }
}

const namesOf = (ids: StoreIds): ReadonlyMap<number, string> =>
  new Map([...ids].map(([name, id]) => [id, name]))

/** @throws RevlogError `E_CHANGELOG_CORRUPT` */
export function decodeIdentity(value: Buffer | undefined): {
  readonly id: string | undefined
  readonly ids: StoreIds
} {
  const { id, stores } = decodeJson<{
    readonly id?: string
    readonly stores: { readonly [name: string]: number }
  }>(value, 'its identity')
  return { id, ids: new Map(Object.entries(stores)) }
}

function decodeJson<T>(value: Buffer | undefined, what: string): T {
  try {
    return JSON.parse(String(value)) as T
  } catch (cause) {
    throw corrupt(`${what} cannot be read: ${messageOf(cause)}`)
  }
}

export const corrupt = (how: string): RevlogError =>
  new RevlogError(
    'E_CHANGELOG_CORRUPT',
    `this is not a changelog that revlog wrote, or not all of it: ${how}`,
    {
      remedy: 'give the topology another name, so that it starts anew, or bring the topic back as it was',
    },
  )
