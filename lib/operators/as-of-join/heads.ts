import type { BinaryKey } from '../../core/binary-key.js'
import { afterPrefix } from '../../core/binary-key.js'
import { createPageReader, createPageWriter, type PageReader, type PageWriter } from '../../core/page.js'
import type { BufferedRows } from '../../state/write-buffer.js'

export interface EntryCodec<E> {
  readonly write: (entry: E, to: PageWriter) => void
  readonly read: (from: PageReader) => E
  /** Forgets what can be decoded again: an entry that is kept must not hold on to what it came with. */
  readonly settle: (entry: E) => void
  /** About how many bytes an entry takes. */
  readonly size: (entry: E) => number
  /**
   * The least horizon at which an entry is gone, given the one after it; `isOldest` when nothing older may be left
   * that would take its place.
   */
  readonly goneAt: (entry: E, next: E | undefined, isOldest: boolean) => number
}

/** Entries by time; those of equal time in the order in which they were put. */
export interface Page<E> {
  entries: E[]
  bytes: number
}

/** The newest part of a list, and whether it has older pages. */
export interface HeadPage<E> extends Page<E> {
  older: boolean
  /** Since the row was written. */
  changed: boolean
  /** In the row. */
  storedEmpty: boolean
}

/** Everything about a key that is new: the newest page of each of its lists, in one row. */
export interface Head {
  readonly key: BinaryKey
  readonly lists: readonly HeadPage<any>[]
  /** A number kept with the key as long as it has entries: of the join, the time of its first version. */
  note: number | undefined
  dirty: boolean
  /** The key as users know it, once it was asked for. */
  joinKey: unknown
}

/**
 * The newest entries of all lists of a key in one row, so that one look-up finds what nearly every record needs and
 * one write keeps what it changed, however many lists a key has:
 *
 *     region | key    when something in it is first gone f64 | flags u8 (1: has a note, 2 << n: list n has older
 *                     pages) | note f64 | for each list: number of entries varint, entries
 *
 * Rows are decoded once and kept as objects while there is room. A row that changed is written once a commit.
 */
export interface Heads {
  /** The head of a key; an empty one where there is none. It stays the same object until the next flush. */
  readonly get: (key: BinaryKey) => Head
  readonly changed: (head: Head, list: number) => void
  /**
   * Removes what is gone at `horizon` from the front of each list that is longer than a few entries. Shorter ones
   * wait until they are written, and are then nearly always trimmed of several at once.
   */
  readonly trim: (head: Head, horizon: number) => void
  /** Trims some rows from a place on; says where to go on, `undefined` at the end. */
  readonly sweep: (
    from: BinaryKey | undefined,
    limit: number,
    horizon: number,
    hasOlder: HasOlder,
  ) => BinaryKey | undefined
  /** Entries removed by trimming since the task began. */
  readonly trimmed: () => number
  /** Writes the rows that differ from what is stored, once what is gone at `horizon` was removed. */
  readonly flush: (horizon: number) => void
}

/** Whether a list of a key still has older pages. */
export type HasOlder = (list: number, key: BinaryKey) => boolean

/** What a decoded row takes in memory beside its bytes, about. */
const OVERHEAD = 800
const HAS_NOTE = 1
/** Entries that a list may have before it is trimmed because its key is met. */
const FEW = 8

export function createHeads(
  rows: BufferedRows,
  region: string,
  codecs: readonly EntryCodec<any>[],
  cacheBytes: number,
): Heads {
  const writer = createPageWriter()
  const reader = createPageReader()
  let dirty: Head[] = []
  let trimmed = 0
  // Two generations: what is used moves to the young one. When that is full it becomes the old one, and what was
  // not used since the last time is forgotten.
  let young = new Map<BinaryKey, Head>()
  let old = new Map<BinaryKey, Head>()
  let youngBytes = 0
  let turns = 0
  // Rows found in the old generation, and rows read, since it is the old one.
  let found = 0
  let read = 0

  function decode(key: BinaryKey, value: Buffer): Head {
    reader.open(value)
    reader.time()
    const flags = reader.u8()
    const note = (flags & HAS_NOTE) === 0 ? undefined : reader.time()
    const lists: HeadPage<unknown>[] = []
    for (let n = 0; n < codecs.length; n++) {
      const { read, size } = codecs[n]!
      const entries: unknown[] = []
      let bytes = 0
      for (let count = reader.varint(); count > 0; count--) {
        const entry = read(reader)
        bytes += size(entry)
        entries.push(entry)
      }
      const older = (flags & (2 << n)) !== 0
      lists.push({ entries, bytes, older, changed: false, storedEmpty: entries.length === 0 && !older })
    }
    return { key, lists, note, dirty: false, joinKey: undefined }
  }

  function encode({ lists, note }: Head): Buffer {
    let gone = Infinity
    let flags = note === undefined ? 0 : HAS_NOTE
    for (let n = 0; n < codecs.length; n++) {
      const { entries, older } = lists[n]!
      if (older) flags |= 2 << n
      if (entries.length > 0) gone = Math.min(gone, codecs[n]!.goneAt(entries[0], entries[1], true))
    }
    writer.time(gone)
    writer.u8(flags)
    if (note !== undefined) writer.time(note)
    for (let n = 0; n < codecs.length; n++) {
      const { entries } = lists[n]!
      const { write, settle } = codecs[n]!
      writer.varint(entries.length)
      for (const entry of entries) {
        write(entry, writer)
        settle(entry)
      }
    }
    return writer.finish()
  }

  function bytesOf({ lists }: Head): number {
    let sum = OVERHEAD
    for (const { bytes } of lists) sum += bytes
    return sum
  }

  function keep(head: Head): Head {
    young.set(head.key, head)
    youngBytes += bytesOf(head)
    return head
  }

  function changed(head: Head, list: number): void {
    head.lists[list]!.changed = true
    if (head.dirty) return
    head.dirty = true
    dirty.push(head)
  }

  function trim(head: Head, horizon: number, least: number): void {
    for (let n = 0; n < codecs.length; n++) {
      const list = head.lists[n]!
      if (list.entries.length > least && removeGone(list, codecs[n]!, horizon)) changed(head, n)
    }
    if (head.note !== undefined && isEmpty(head)) head.note = undefined
  }

  function removeGone(list: HeadPage<any>, { goneAt, size }: EntryCodec<any>, horizon: number): boolean {
    const { entries, older } = list
    const { length } = entries
    let gone = 0
    while (gone < length && goneAt(entries[gone], entries[gone + 1], !older) <= horizon) {
      list.bytes -= size(entries[gone])
      gone++
    }
    if (gone === 0) return false
    trimmed += gone
    for (let i = gone; i < length; i++) entries[i - gone] = entries[i]
    entries.length = length - gone
    return true
  }

  return {
    get(key) {
      const known = young.get(key)
      if (known !== undefined) return known
      const older = old.get(key)
      if (older !== undefined) {
        old.delete(key)
        found++
        return keep(older)
      }
      const value = rows.get(region + key)
      read++
      return keep(value === undefined ? emptyHead(key, codecs.length) : decode(key, value))
    },
    changed,
    trim: (head, horizon) => trim(head, horizon, FEW),
    trimmed: () => trimmed,
    sweep(from, limit, horizon, hasOlder) {
      const found = rows.scan({ from: from ?? region, to: afterPrefix(region), limit })
      for (const { key: row, value } of found) {
        const key = row.slice(region.length)
        const known = young.get(key) ?? old.get(key)
        if (known === undefined && value.readDoubleBE(0) > horizon) continue
        const head = known ?? decode(key, value)
        head.lists.forEach((list, n) => {
          if (list.older && !hasOlder(n, key)) list.older = false
        })
        trim(head, horizon, 0)
        if (head.dirty && !young.has(key)) {
          old.delete(key)
          keep(head)
        }
      }
      const last = found[found.length - 1]
      return last === undefined || found.length < limit ? undefined : `${last.key}\0`
    },
    flush(horizon) {
      // An event that came and became final since the last commit leaves no trace.
      for (const head of dirty) {
        trim(head, horizon, 0)
        head.dirty = false
        let wasStored = false
        let differs = false
        for (const list of head.lists) {
          const empty = isEmptyPage(list)
          if (!list.storedEmpty) wasStored = true
          if (list.changed && !(list.storedEmpty && empty)) differs = true
          list.changed = false
          list.storedEmpty = empty
        }
        if (isEmpty(head)) {
          if (wasStored) rows.delete(region + head.key)
          young.delete(head.key)
          old.delete(head.key)
        } else if (differs) rows.put(region + head.key, encode(head))
      }
      dirty = []
      if (youngBytes <= cacheBytes / 2) return
      // Keys that do not come again soon are not worth keeping: they would only be carried along by the garbage
      // collector. Now and then it is tried again.
      const useful = found * 4 >= read || ++turns % 8 === 0
      old = useful ? young : new Map()
      young = new Map()
      youngBytes = 0
      found = 0
      read = 0
    },
  }
}

function emptyHead(key: BinaryKey, count: number): Head {
  const lists: HeadPage<any>[] = []
  for (let n = 0; n < count; n++) {
    lists.push({ entries: [], bytes: 0, older: false, changed: false, storedEmpty: true })
  }
  return { key, lists, note: undefined, dirty: false, joinKey: undefined }
}

const isEmptyPage = ({ entries, older }: HeadPage<any>): boolean => entries.length === 0 && !older

function isEmpty({ lists }: Head): boolean {
  for (const list of lists) if (!isEmptyPage(list)) return false
  return true
}
