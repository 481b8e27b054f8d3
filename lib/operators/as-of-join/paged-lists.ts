import { afterPrefix, type BinaryKey, escapeKey, TIME_KEY_BYTES, timeKey } from '../../core/binary-key.js'
import type { BufferedRows } from '../../state/write-buffer.js'
import { createPageReader, createPageWriter, type PageReader, type PageWriter } from './bytes.js'

/** What a list holds: anything with a time. Entries of equal time keep the order in which they were put. */
export interface Timed {
  readonly t: number
}

export interface EntryCodec<E> {
  readonly write: (entry: E, to: PageWriter) => void
  readonly read: (from: PageReader) => E
  /** About how many bytes an entry takes, in the row and in memory. */
  readonly size: (entry: E) => number
}

/**
 * A sorted list for each key, kept in pages of about 4 KB, so that an entry costs one small row to read and write
 * however many the key has.
 *
 *     head region | key                          the newest page of a key: one look-up finds it
 *     page region | key, escaped | time          an older page, under the time of its first entry when it was cut
 *
 *     a page: last entry's time f64 | when its first entry goes f64 | flags u8 (1: older pages may exist)
 *             | note f64 | entries
 *
 * A key whose list fits into one page never has another row. When the head grows too large its older half becomes
 * a page of its own, and is then found by one scan backwards from the time that is looked for. Pages are decoded
 * once and kept as objects while there is room; a page that changed is written once a commit.
 */
export interface PagedLists<E extends Timed> {
  /** The last entry with `entry.t <= t`. */
  readonly floor: (key: BinaryKey, t: number) => E | undefined
  /** The last entry with `entry.t < t`. */
  readonly below: (key: BinaryKey, t: number) => E | undefined
  /** The first entry with `entry.t > t`. */
  readonly above: (key: BinaryKey, t: number) => E | undefined
  /** Entries with `from <= t < to`, ascending; the list must not change while they are walked. */
  readonly range: (key: BinaryKey, from: number, to: number) => readonly E[]
  /** Puts an entry after those of the same time. Says which entries moved out of the head by it. */
  readonly insert: (key: BinaryKey, entry: E) => readonly E[]
  /** Puts one entry in the place of another of the same time. */
  readonly replace: (key: BinaryKey, old: E, entry: E) => void
  readonly remove: (key: BinaryKey, entry: E) => void
  /** An entry changed in place. */
  readonly touch: (key: BinaryKey, entry: E) => void
  /** Finds in the head page alone; and whether the list has others. */
  readonly inHead: (key: BinaryKey, is: (entry: E) => boolean) => E | undefined
  readonly hasPages: (key: BinaryKey) => boolean
  /** Removes the head's entries that are gone at `horizon`, from the oldest on, up to the first that stays. */
  readonly trimHead: (key: BinaryKey, horizon: number) => void
  /** Removes every entry with `entry.t <= t`. */
  readonly removeUpTo: (key: BinaryKey, t: number) => void
  /** A number kept with the key for as long as its head is; `undefined` when it has none. */
  readonly note: (key: BinaryKey) => number | undefined
  readonly setNote: (key: BinaryKey, note: number) => void
  /** Looks at some rows from a place on, to remove what is over; says how many entries stayed, and where to go on. */
  readonly sweep: (from: BinaryKey | undefined, limit: number, horizon: number, sweeper: Sweeper<E>) => Swept
  /** Writes changed pages to the rows. */
  readonly flush: () => void
}

export interface Sweeper<E> {
  /** Whether a whole older page may go, by the time of its last entry. */
  readonly pageIsGone: (key: BinaryKey, lastTime: number) => boolean
  /** Told of each entry of an older page that goes. */
  readonly onGone: (key: BinaryKey, entry: E) => void
}

export interface Swept {
  readonly rows: number
  readonly kept: number
  /** `undefined` at the end. */
  readonly next: BinaryKey | undefined
}

interface Page<E> {
  /** The row's key. */
  readonly row: BinaryKey
  readonly key: BinaryKey
  readonly isHead: boolean
  entries: E[]
  bytes: number
  note: number
  older: boolean
  dirty: boolean
}

/** Bytes of a page before it is cut in two. */
export const PAGE_BYTES = 4_096
const NO_NOTE = Number.NaN

export interface PagedListsOptions<E> {
  readonly rows: BufferedRows
  /** One character each, the second the one after the first, so that a sweep goes through both at once. */
  readonly headRegion: string
  readonly pageRegion: string
  readonly codec: EntryCodec<E>
  /**
   * The least horizon at which an entry is gone, given the one after it; `isOldest` when nothing older may be left
   * that would take its place.
   */
  readonly goneAt: (entry: E, next: E | undefined, isOldest: boolean) => number
  /** Bytes of decoded pages to keep between commits. */
  readonly cacheBytes: number
}

export function createPagedLists<E extends Timed>(options: PagedListsOptions<E>): PagedLists<E> {
  const { rows, headRegion, pageRegion, codec, goneAt, cacheBytes } = options
  const writer = createPageWriter()
  const dirty: Page<E>[] = []
  // Two generations: what is used moves to the young one; when that is full it becomes the old one, and what was
  // not used since the last time is forgotten.
  let young = new Map<BinaryKey, Page<E>>()
  let old = new Map<BinaryKey, Page<E>>()
  let youngPages = new Map<BinaryKey, Page<E>>()
  let oldPages = new Map<BinaryKey, Page<E>>()
  let youngBytes = 0

  function decode(row: BinaryKey, key: BinaryKey, isHead: boolean, value: Buffer): Page<E> {
    const reader = createPageReader(value)
    reader.time()
    reader.time()
    const older = (reader.u8() & 1) === 1
    const note = reader.time()
    const entries: E[] = []
    while (!reader.done()) entries.push(codec.read(reader))
    return { row, key, isHead, entries, bytes: value.length, note, older, dirty: false }
  }

  function encode(page: Page<E>): Buffer {
    const [first, second] = page.entries
    writer.time(page.entries[page.entries.length - 1]?.t ?? -Infinity)
    writer.time(first === undefined ? Infinity : goneAt(first, second, true))
    writer.u8(page.older ? 1 : 0)
    writer.time(page.note)
    for (const entry of page.entries) codec.write(entry, writer)
    return writer.finish()
  }

  function keepHead(page: Page<E>): void {
    young.set(page.key, page)
    youngBytes += page.bytes + 200
  }

  function head(key: BinaryKey): Page<E> | undefined {
    const known = young.get(key)
    if (known !== undefined) return known
    const older = old.get(key)
    if (older !== undefined) {
      old.delete(key)
      keepHead(older)
      return older
    }
    const row = headRegion + key
    const value = rows.get(row)
    if (value === undefined) return undefined
    const page = decode(row, key, true, value)
    keepHead(page)
    return page
  }

  function newHead(key: BinaryKey): Page<E> {
    const page: Page<E> = {
      row: headRegion + key,
      key,
      isHead: true,
      entries: [],
      bytes: 20,
      note: NO_NOTE,
      older: false,
      dirty: false,
    }
    keepHead(page)
    return page
  }

  const pagePrefix = (key: BinaryKey): BinaryKey => pageRegion + escapeKey(key)

  function pageOfRow(key: BinaryKey, row: BinaryKey, value: Buffer): Page<E> {
    const known = youngPages.get(row)
    if (known !== undefined) return known
    const page = oldPages.get(row) ?? decode(row, key, false, value)
    oldPages.delete(row)
    youngPages.set(row, page)
    youngBytes += page.bytes + 200
    return page
  }

  /** The last older page whose first time is at most `t`; without one, the first page of all. */
  function pageFor(key: BinaryKey, t: number): Page<E> | undefined {
    return pageUpTo(key, `${timeKey(t)}\0`) ?? pageAfter(key, '')
  }

  function pageUpTo(key: BinaryKey, end: BinaryKey): Page<E> | undefined {
    const prefix = pagePrefix(key)
    const [row] = rows.scan({ from: prefix, to: prefix + end, reverse: true, limit: 1 })
    return row === undefined ? undefined : pageOfRow(key, row.key, row.value)
  }

  function pageAfter(key: BinaryKey, start: BinaryKey): Page<E> | undefined {
    const prefix = pagePrefix(key)
    const [row] = rows.scan({ from: prefix + start, to: afterPrefix(prefix), limit: 1 })
    return row === undefined ? undefined : pageOfRow(key, row.key, row.value)
  }

  const timeIn = (page: Page<E>): BinaryKey => page.row.slice(-TIME_KEY_BYTES)

  function previous(page: Page<E>): Page<E> | undefined {
    if (page.isHead) return page.older ? pageUpTo(page.key, '\xff\xff') : undefined
    return pageUpTo(page.key, timeIn(page))
  }

  function next(page: Page<E>): Page<E> | undefined {
    if (page.isHead) return undefined
    return pageAfter(page.key, `${timeIn(page)}\0`) ?? head(page.key)
  }

  /** The page where an entry of time `t` belongs. */
  function home(key: BinaryKey, t: number): Page<E> | undefined {
    const newest = head(key)
    if (newest === undefined || !newest.older) return newest
    const [first] = newest.entries
    if (first !== undefined && t >= first.t) return newest
    const page = pageFor(key, t)
    if (page === undefined) newest.older = false // they are all gone
    return page ?? newest
  }

  function changed(page: Page<E>): void {
    if (page.dirty) return
    page.dirty = true
    dirty.push(page)
  }

  /** Cuts a page that grew too large, between entries of different times. */
  function split(page: Page<E>): readonly E[] {
    const { entries } = page
    let cut = entries.length >> 1
    while (cut < entries.length && entries[cut]!.t === entries[cut - 1]!.t) cut++
    if (cut === entries.length) {
      cut = entries.length >> 1
      while (cut > 0 && entries[cut]!.t === entries[cut - 1]!.t) cut--
      if (cut === 0) return [] // all of one time
    }
    const older = entries.slice(0, cut)
    const newer = entries.slice(cut)
    const [low, high] = page.isHead ? [older, newer] : [newer, older]
    // A head keeps the newer half; an older page, whose row is named by its first time, keeps the older one.
    const row = pagePrefix(page.key) + timeKey(low[0]!.t)
    const half: Page<E> = {
      row,
      key: page.key,
      isHead: false,
      entries: low,
      bytes: 0,
      note: NO_NOTE,
      older: true,
      dirty: false,
    }
    half.bytes = low.reduce((sum, entry) => sum + codec.size(entry), 20)
    page.entries = high
    page.bytes = Math.max(20, page.bytes - half.bytes)
    if (page.isHead) page.older = true
    changed(page)
    youngPages.set(row, half)
    rows.put(row, encode(half)) // scans have to find it
    return page.isHead ? low : []
  }

  /** The place after the last entry with `entry.t <= t`. */
  function placeAfter(entries: readonly E[], t: number): number {
    let low = 0
    let high = entries.length
    if (high > 0 && entries[high - 1]!.t <= t) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (entries[middle]!.t <= t) low = middle + 1
      else high = middle
    }
    return low
  }

  function removeFrom(page: Page<E>, entry: E): void {
    const at = page.entries.indexOf(entry)
    page.entries.splice(at, 1)
    page.bytes -= codec.size(entry)
    changed(page)
  }

  /** The page that holds this very entry. */
  function holder(key: BinaryKey, entry: E): Page<E> {
    for (let page = home(key, entry.t); page !== undefined; page = previous(page)) {
      if (page.entries.includes(entry)) return page
    }
    throw new RangeError('an entry is in none of the pages of its key')
  }

  const lists: PagedLists<E> = {
    floor(key, t) {
      for (let page = home(key, t); page !== undefined; page = previous(page)) {
        const at = placeAfter(page.entries, t)
        if (at > 0) return page.entries[at - 1]
      }
      return undefined
    },
    below(key, t) {
      for (let page = home(key, t); page !== undefined; page = previous(page)) {
        let at = placeAfter(page.entries, t)
        while (at > 0 && page.entries[at - 1]!.t === t) at--
        if (at > 0) return page.entries[at - 1]
      }
      return undefined
    },
    above(key, t) {
      for (let page = home(key, t); page !== undefined; page = next(page)) {
        const at = placeAfter(page.entries, t)
        if (at < page.entries.length) return page.entries[at]
      }
      return undefined
    },
    range(key, from, to) {
      const first = home(key, from)
      if (first === undefined || from >= to) return []
      const found: E[] = []
      for (let page: Page<E> | undefined = first; page !== undefined; page = next(page)) {
        const { entries } = page
        let at = placeAfter(entries, from)
        while (at > 0 && entries[at - 1]!.t === from) at--
        for (; at < entries.length; at++) {
          const entry = entries[at]!
          if (entry.t >= to) return found
          found.push(entry)
        }
      }
      return found
    },
    insert(key, entry) {
      const page = home(key, entry.t) ?? newHead(key)
      page.entries.splice(placeAfter(page.entries, entry.t), 0, entry)
      page.bytes += codec.size(entry)
      changed(page)
      if (page.bytes <= PAGE_BYTES) return page.isHead ? [] : [entry]
      const moved = split(page)
      return page.isHead ? moved : [entry]
    },
    replace(key, before, entry) {
      const page = holder(key, before)
      page.entries[page.entries.indexOf(before)] = entry
      page.bytes += codec.size(entry) - codec.size(before)
      changed(page)
    },
    remove(key, entry) {
      removeFrom(holder(key, entry), entry)
    },
    touch(key, entry) {
      changed(holder(key, entry))
    },
    inHead: (key, is) => head(key)?.entries.find(is),
    hasPages: (key) => head(key)?.older ?? false,
    trimHead(key, horizon) {
      const page = head(key)
      if (page !== undefined) trim(page, horizon)
    },
    removeUpTo(key, t) {
      for (let page = home(key, t); page !== undefined; page = previous(page)) {
        const gone = placeAfter(page.entries, t)
        if (gone === 0) continue
        page.entries.splice(0, gone)
        page.bytes = page.entries.reduce((sum, entry) => sum + codec.size(entry), 20)
        changed(page)
      }
    },
    note(key) {
      const note = head(key)?.note
      return note === undefined || Number.isNaN(note) ? undefined : note
    },
    setNote(key, note) {
      const page = head(key) ?? newHead(key)
      page.note = note
      changed(page)
    },
    sweep(from, limit, horizon, { pageIsGone, onGone }) {
      const end = afterPrefix(pageRegion)
      const found = rows.scan({ from: from ?? headRegion, to: end, limit })
      let kept = 0
      for (const { key: row, value } of found) {
        if (row.startsWith(headRegion)) {
          const key = row.slice(headRegion.length)
          const known = young.get(key) ?? old.get(key)
          if (known === undefined && value.readDoubleBE(8) > horizon) {
            kept += Math.ceil(value.length / 150)
            continue
          }
          const page = known ?? decode(row, key, true, value)
          if (page.older && pageAfter(key, '') === undefined) page.older = false
          trim(page, horizon)
          if (page.dirty && !young.has(key)) {
            old.delete(key)
            keepHead(page)
          }
          kept += page.entries.length
        } else {
          const key = unescapeFrom(row, pageRegion.length)
          const page = youngPages.get(row) ?? oldPages.get(row)
          const last =
            page === undefined
              ? value.readDoubleBE(0)
              : (page.entries[page.entries.length - 1]?.t ?? -Infinity)
          if (!pageIsGone(key, last)) {
            kept += page?.entries.length ?? Math.ceil(value.length / 150)
            continue
          }
          for (const entry of (page ?? decode(row, key, false, value)).entries) onGone(key, entry)
          if (page !== undefined) {
            page.entries = []
            page.dirty = false
          }
          youngPages.delete(row)
          oldPages.delete(row)
          rows.delete(row)
        }
      }
      const last = found[found.length - 1]
      return {
        rows: found.length,
        kept,
        next: last === undefined || found.length < limit ? undefined : `${last.key}\0`,
      }
    },
    flush() {
      for (const page of dirty) {
        if (!page.dirty) continue
        page.dirty = false
        if (page.entries.length > 0 || (page.isHead && page.older)) {
          const value = encode(page)
          page.bytes = value.length
          rows.put(page.row, value)
        } else {
          rows.delete(page.row)
          if (page.isHead) {
            young.delete(page.key)
            old.delete(page.key)
          } else {
            youngPages.delete(page.row)
            oldPages.delete(page.row)
          }
        }
      }
      dirty.length = 0
      if (youngBytes > cacheBytes / 2) {
        old = young
        oldPages = youngPages
        young = new Map()
        youngPages = new Map()
        youngBytes = 0
      }
    },
  }

  function trim(page: Page<E>, horizon: number): void {
    const { entries } = page
    let gone = 0
    while (gone < entries.length && goneAt(entries[gone]!, entries[gone + 1], !page.older) <= horizon) gone++
    if (gone === 0) return
    for (let i = 0; i < gone; i++) page.bytes -= codec.size(entries[i]!)
    entries.splice(0, gone)
    changed(page)
  }

  return lists
}

/** The key of an older page's row. */
function unescapeFrom(row: BinaryKey, start: number): BinaryKey {
  return row.slice(start, -TIME_KEY_BYTES - 2).replaceAll('\0\xff', '\0')
}
