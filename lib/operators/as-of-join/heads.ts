import type { BinaryKey } from '../../core/binary-key.js'
import { afterPrefix } from '../../core/binary-key.js'
import { createPageReader, createPageWriter, type PageReader, type PageWriter } from '../../core/page.js'
import type { BufferedRows } from '../../state/write-buffer.js'

/** What a list holds: anything with a time. */
export interface Timed {
  readonly t: number
}

export interface EntryCodec<E> {
  readonly write: (entry: E, to: PageWriter) => void
  readonly read: (from: PageReader) => E
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
  readonly get: (key: BinaryKey) => Head | undefined
  readonly make: (key: BinaryKey) => Head
  readonly changed: (head: Head, list: number) => void
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
export type HasOlder = (list: number, key: BinaryKey) => boolean

/** What a decoded row takes in memory beside its bytes, about. */
const OVERHEAD = 800
const HAS_NOTE = 1

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
    const lists = codecs.map((codec, n): HeadPage<unknown> => {
      const count = reader.varint()
      const start = reader.at()
      const entries: unknown[] = []
      for (let i = 0; i < count; i++) entries.push(codec.read(reader))
      const older = (flags & (2 << n)) !== 0
      return {
        entries,
        bytes: reader.at() - start,
        older,
        changed: false,
        storedEmpty: count === 0 && !older,
      }
    })
    return { key, lists, note, dirty: false }
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
      const { write } = codecs[n]!
      writer.varint(entries.length)
      for (const entry of entries) write(entry, writer)
    }
    return writer.finish()
  }

  const bytesOf = (head: Head): number => head.lists.reduce((sum, { bytes }) => sum + bytes, OVERHEAD)

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

  function trim(head: Head, horizon: number): void {
    for (let n = 0; n < codecs.length; n++) {
      const list = head.lists[n]!
      const { entries } = list
      if (entries.length > 0 && codecs[n]!.goneAt(entries[0], entries[1], !list.older) <= horizon) {
        removeGone(list, codecs[n]!, horizon)
        changed(head, n)
      }
    }
    if (head.note !== undefined && isEmpty(head)) head.note = undefined
  }

  function removeGone(list: HeadPage<any>, { goneAt, size }: EntryCodec<any>, horizon: number): void {
    const { entries, older } = list
    let gone = 0
    while (gone < entries.length && goneAt(entries[gone], entries[gone + 1], !older) <= horizon) {
      list.bytes -= size(entries[gone])
      gone++
    }
    trimmed += gone
    if (gone === 1) entries.shift()
    else entries.splice(0, gone)
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
      if (value === undefined) return undefined
      read++
      return keep(decode(key, value))
    },
    make: (key) =>
      keep({
        key,
        lists: codecs.map(emptyPage),
        note: undefined,
        dirty: false,
      }),
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
        head.lists.forEach((list, n) => {
          if (list.older && !hasOlder(n, key)) list.older = false
        })
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
        const wasStored = !head.lists.every((list) => list.storedEmpty)
        const differs = head.lists.some((list) => list.changed && !(list.storedEmpty && isEmptyPage(list)))
        if (isEmpty(head)) {
          if (wasStored) rows.delete(region + head.key)
          young.delete(head.key)
          old.delete(head.key)
        } else if (differs) rows.put(region + head.key, encode(head))
        for (const list of head.lists) {
          list.changed = false
          list.storedEmpty = isEmptyPage(list)
        }
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
  entries: [],
  bytes: 0,
  older: false,
  changed: false,
  storedEmpty: true,
})

const isEmptyPage = ({ entries, older }: HeadPage<any>): boolean => entries.length === 0 && !older

function isEmpty({ lists }: Head): boolean {
  for (const list of lists) if (!isEmptyPage(list)) return false
  return true
}
