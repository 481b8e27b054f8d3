import type { BinaryKey } from '../../core/binary-key.js'
import { afterPrefix } from '../../core/binary-key.js'
import { createPageReader, createPageWriter, type PageReader, type PageWriter } from '../../core/page.js'
import type { BufferedRows } from '../../state/write-buffer.js'
import { EMPTY, inserted, type Timed } from './by-time.js'
import type { Left, Version } from './entries.js'

export interface EntryCodec<E> {
  readonly write: (entry: E, to: PageWriter) => void
  readonly read: (from: PageReader) => E
  /** Forgets what can be decoded again: an entry that is kept must not hold on to what it came with. */
  readonly settle: (entry: E) => void
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
  readonly versions: HeadPage<Version>
  readonly lefts: HeadPage<Left>
  /** A number kept with the key as long as it has entries: of the join, the time of its first version. */
  note: number | undefined
  dirty: boolean
  /** The key as users know it, once it was asked for. */
  joinKey: unknown
}

/**
 * The newest entries of both lists of a key in one row, so that one look-up finds what nearly every record needs and
 * one write keeps what it changed:
 *
 *     region | key    when something in it is first gone f64 | flags u8 (1: has a note, 2: there are older pages of
 *                     versions, 4: of left events) | note f64 | of versions, then of left events: number varint, entries
 *
 * Rows are decoded once and kept as objects while there is room. A row that changed is written once a commit.
 */
export interface Heads {
  /** The head of a key; an empty one where there is none. It stays the same object until the next flush. */
  readonly get: (key: BinaryKey) => Head
  readonly changed: (head: Head, page: HeadPage<any>) => void
  /** Removes what is gone at `horizon` from the front of each list. */
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
export interface HasOlder {
  readonly versions: (key: BinaryKey) => boolean
  readonly lefts: (key: BinaryKey) => boolean
}

export interface HeadCodecs {
  readonly versions: EntryCodec<Version>
  readonly lefts: EntryCodec<Left>
}

/** What a decoded row takes in memory beside its bytes, about. */
const OVERHEAD = 800
const HAS_NOTE = 1
const OLDER_VERSIONS = 2
const OLDER_LEFTS = 4

export function createHeads(
  rows: BufferedRows,
  region: string,
  codecs: HeadCodecs,
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
    const versions = decodePage(codecs.versions, (flags & OLDER_VERSIONS) !== 0)
    const lefts = decodePage(codecs.lefts, (flags & OLDER_LEFTS) !== 0)
    return { key, versions, lefts, note, dirty: false, joinKey: undefined }
  }

  function decodePage<E extends Timed>({ read }: EntryCodec<E>, older: boolean): HeadPage<E> {
    let entries: E[] = EMPTY
    let bytes = 0
    for (let count = reader.varint(); count > 0; count--) {
      const entry = read(reader)
      bytes += entry.size
      entries = inserted(entries, entries.length, entry)
    }
    return { entries, bytes, older, changed: false, storedEmpty: entries.length === 0 && !older }
  }

  function encode({ versions, lefts, note }: Head): Buffer {
    writer.time(Math.min(firstGone(versions, codecs.versions), firstGone(lefts, codecs.lefts)))
    writer.u8(
      (note === undefined ? 0 : HAS_NOTE) |
        (versions.older ? OLDER_VERSIONS : 0) |
        (lefts.older ? OLDER_LEFTS : 0),
    )
    if (note !== undefined) writer.time(note)
    encodePage(versions, codecs.versions)
    encodePage(lefts, codecs.lefts)
    return writer.finish()
  }

  function encodePage<E>({ entries }: HeadPage<E>, { write, settle }: EntryCodec<E>): void {
    writer.varint(entries.length)
    for (let i = 0; i < entries.length; i++) {
      write(entries[i]!, writer)
      settle(entries[i]!)
    }
  }

  function keep(head: Head): Head {
    young.set(head.key, head)
    youngBytes += OVERHEAD + head.versions.bytes + head.lefts.bytes
    return head
  }

  function changed(head: Head, page: HeadPage<any>): void {
    page.changed = true
    if (head.dirty) return
    head.dirty = true
    dirty.push(head)
  }

  function trim(head: Head, horizon: number): void {
    const { versions, lefts } = head
    if (versions.entries.length > 0 && removeGone(versions, codecs.versions, horizon)) changed(head, versions)
    if (lefts.entries.length > 0 && removeGone(lefts, codecs.lefts, horizon)) changed(head, lefts)
    if (head.note !== undefined && isEmpty(head)) head.note = undefined
  }

  function removeGone<E extends Timed>(
    page: HeadPage<E>,
    { goneAt }: EntryCodec<E>,
    horizon: number,
  ): boolean {
    const { entries, older } = page
    const { length } = entries
    let gone = 0
    while (gone < length && goneAt(entries[gone]!, entries[gone + 1], !older) <= horizon) {
      page.bytes -= entries[gone]!.size
      gone++
    }
    if (gone === 0) return false
    trimmed += gone
    if (gone === length) page.entries = EMPTY
    else {
      for (let i = gone; i < length; i++) entries[i - gone] = entries[i]!
      entries.length = length - gone
    }
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
      return keep(value === undefined ? emptyHead(key) : decode(key, value))
    },
    changed,
    trim,
    trimmed: () => trimmed,
    sweep(from, limit, horizon, hasOlder) {
      const found = rows.scan({ from: from ?? region, to: afterPrefix(region), limit })
      for (const { key: row, value } of found) {
        const key = row.slice(region.length)
        const known = young.get(key) ?? old.get(key)
        if (known === undefined && value.readDoubleBE(0) > horizon) continue
        const head = known ?? decode(key, value)
        const { versions, lefts } = head
        if (versions.older && !hasOlder.versions(key)) versions.older = false
        if (lefts.older && !hasOlder.lefts(key)) lefts.older = false
        trim(head, horizon)
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
        trim(head, horizon)
        head.dirty = false
        const { versions, lefts } = head
        const wasStored = !versions.storedEmpty || !lefts.storedEmpty
        const versionsDiffer = settled(versions)
        const differs = settled(lefts) || versionsDiffer
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

const emptyPage = (): HeadPage<any> => ({
  entries: EMPTY,
  bytes: 0,
  older: false,
  changed: false,
  storedEmpty: true,
})

const emptyHead = (key: BinaryKey): Head => ({
  key,
  versions: emptyPage(),
  lefts: emptyPage(),
  note: undefined,
  dirty: false,
  joinKey: undefined,
})

const isEmptyPage = ({ entries, older }: HeadPage<any>): boolean => entries.length === 0 && !older

const isEmpty = ({ versions, lefts }: Head): boolean => isEmptyPage(versions) && isEmptyPage(lefts)

const firstGone = <E>({ entries }: HeadPage<E>, { goneAt }: EntryCodec<E>): number =>
  entries.length === 0 ? Infinity : goneAt(entries[0]!, entries[1], true)

/** The page will be as it is now in the row. Says whether it is not so yet. */
function settled(page: HeadPage<any>): boolean {
  const empty = isEmptyPage(page)
  const differs = page.changed && !(page.storedEmpty && empty)
  page.changed = false
  page.storedEmpty = empty
  return differs
}
