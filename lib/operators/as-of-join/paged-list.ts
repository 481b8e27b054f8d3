import {
  afterPrefix,
  type BinaryKey,
  escapeKey,
  TIME_KEY_BYTES,
  timeKey,
  unescapeKey,
} from '../../core/binary-key.js'
import { createPageReader, createPageWriter } from '../../core/page.js'
import type { BufferedRows } from '../../state/write-buffer.js'
import { cutOf, inserted, placeAfter, placeBefore, type Timed } from './by-time.js'
import type { EntryCodec, Head, HeadPage, Heads, Page } from './heads.js'

/**
 * A list by time for each key, kept in pages of about 4 KB, so that an entry costs one small row to read and write
 * however many the key has. The newest page is in the key's head. When it grows too large its older half becomes a
 * row of its own, found by one scan backwards from the time that is looked for:
 *
 *     region | key, escaped | time of the first entry when it was cut    last entry's time f64 | entries
 *
 * Nearly every call is answered by the head; it is handed in, so that a record looks its key up once.
 */
export interface PagedList<E extends Timed> {
  /** The last entry with `entry.t <= t`. */
  readonly floor: (head: Head, t: number) => E | undefined
  /** The last entry with `entry.t < t`. */
  readonly below: (head: Head, t: number) => E | undefined
  /** The first entry with `entry.t > t`. */
  readonly above: (head: Head, t: number) => E | undefined
  /** Entries with `from <= t < to`, ascending: a copy. */
  readonly range: (head: Head, from: number, to: number) => readonly E[]
  /** Puts an entry after those of the same time. Says which entries are in an older page by it that were in none. */
  readonly insert: (head: Head, entry: E) => readonly E[]
  /** Puts one entry in the place of another of the same time. */
  readonly replace: (head: Head, old: E, entry: E) => void
  readonly remove: (head: Head, entry: E) => void
  /** Removes every entry with `entry.t <= t`. */
  readonly removeUpTo: (head: Head, t: number) => void
  /** An entry changed in place. */
  readonly touch: (head: Head, entry: E) => void
  /** What the head alone holds; and whether there may be older pages. */
  readonly inHead: (head: Head) => readonly E[]
  readonly hasPages: (head: Head) => boolean
  /** Removes older pages that are gone, some rows from a place on; says where to go on, `undefined` at the end. */
  readonly sweep: (
    from: BinaryKey | undefined,
    limit: number,
    sweeper: PageSweeper<E>,
  ) => BinaryKey | undefined
  /** Entries put less entries removed since the task began, trimming of heads aside. */
  readonly grown: () => number
  readonly flush: () => void
}

export interface PageSweeper<E> {
  /** Whether an older page may go, by the time of its last entry. */
  readonly isGone: (key: BinaryKey, lastTime: number) => boolean
  /** Told of each entry that goes. */
  readonly onGone: (key: BinaryKey, entry: E) => void
}

interface OlderPage<E> extends Page<E> {
  row: BinaryKey
  readonly key: BinaryKey
  dirty: boolean
}

/** Bytes of a page before it is cut in two. */
export const PAGE_BYTES = 4_096
const OVERHEAD = 400
const NONE: readonly never[] = []

export interface PagedListOptions<E> {
  readonly rows: BufferedRows
  readonly heads: Heads
  /** Which of a head's lists this is. */
  readonly list: 'versions' | 'lefts'
  readonly region: string
  readonly codec: EntryCodec<E>
  readonly cacheBytes: number
}

/** A page of a key: one of its older ones, or the newest, in its head. */
type Place<E> = {
  readonly page: Page<E>
  readonly head: Head | undefined
  readonly older: OlderPage<E> | undefined
}

export function createPagedList<E extends Timed>(options: PagedListOptions<E>): PagedList<E> {
  const { rows, heads, list, region, codec, cacheBytes } = options
  const writer = createPageWriter()
  const reader = createPageReader()
  let dirty: OlderPage<E>[] = []
  let pages = new Map<BinaryKey, OlderPage<E>>()
  let pageBytes = 0
  let grown = 0

  const prefixOf = (key: BinaryKey): BinaryKey => region + escapeKey(key)
  const isVersions = list === 'versions'
  const headPage = (head: Head): HeadPage<E> =>
    (isVersions ? head.versions : head.lefts) as HeadPage<any> as HeadPage<E>
  const inHeadOf = (head: Head): Place<E> => ({ page: headPage(head), head, older: undefined })
  const inPage = (older: OlderPage<E>): Place<E> => ({ page: older, head: undefined, older })

  function load(key: BinaryKey, row: BinaryKey, value: Buffer): OlderPage<E> {
    const known = pages.get(row)
    if (known !== undefined) return known
    const page: OlderPage<E> = { row, key, entries: decode(value), bytes: value.length, dirty: false }
    pages.set(row, page)
    pageBytes += page.bytes + OVERHEAD
    return page
  }

  function decode(value: Buffer): E[] {
    reader.open(value)
    reader.time()
    const entries: E[] = []
    while (!reader.done()) entries.push(codec.read(reader))
    return entries
  }

  function encode({ entries }: Page<E>): Buffer {
    writer.time(entries[entries.length - 1]?.t ?? -Infinity)
    for (const entry of entries) {
      codec.write(entry, writer)
      codec.settle(entry)
    }
    return writer.finish()
  }

  function pageUpTo(key: BinaryKey, end: BinaryKey): OlderPage<E> | undefined {
    const prefix = prefixOf(key)
    const [row] = rows.scan({ from: prefix, to: prefix + end, reverse: true, limit: 1 })
    return row === undefined ? undefined : load(key, row.key, row.value)
  }

  function pageFrom(key: BinaryKey, start: BinaryKey): OlderPage<E> | undefined {
    const prefix = prefixOf(key)
    const [row] = rows.scan({ from: prefix + start, to: afterPrefix(prefix), limit: 1 })
    return row === undefined ? undefined : load(key, row.key, row.value)
  }

  /** Whether an entry of time `t` belongs into the newest page for certain. */
  const isNewest = ({ entries, older }: HeadPage<E>, t: number): boolean =>
    !older || (entries.length > 0 && entries[0]!.t <= t)

  /** Where an entry of time `t` belongs. */
  function home(head: Head, t: number): Place<E> {
    const newest = headPage(head)
    if (!isNewest(newest, t)) {
      // The last page that begins at or before `t`; before all of them, the first.
      const page = pageUpTo(head.key, `${timeKey(t)}\0`) ?? pageFrom(head.key, '')
      if (page !== undefined) return isBehind(page, t) ? inHeadOf(head) : inPage(page)
      newest.older = false // they are all gone
    }
    return inHeadOf(head)
  }

  /** Whether an older page is the last one and `t` is after it: an empty head takes entries again. */
  function isBehind({ key, row, entries }: OlderPage<E>, t: number): boolean {
    const last = entries[entries.length - 1]
    if (last === undefined || t <= last.t) return false
    return pageFrom(key, `${row.slice(-TIME_KEY_BYTES)}\0`) === undefined
  }

  function previous({ key }: Head, { head, older }: Place<E>): Place<E> | undefined {
    if (head !== undefined && !headPage(head).older) return undefined
    const page = pageUpTo(key, older === undefined ? '\xff\xff' : older.row.slice(-TIME_KEY_BYTES))
    return page === undefined ? undefined : inPage(page)
  }

  function next(head: Head, { older }: Place<E>): Place<E> | undefined {
    if (older === undefined) return undefined
    const page = pageFrom(older.key, `${older.row.slice(-TIME_KEY_BYTES)}\0`)
    return page === undefined ? inHeadOf(head) : inPage(page)
  }

  function changed({ head, older }: Place<E>): void {
    if (head !== undefined) heads.changed(head, headPage(head))
    else if (!older!.dirty) {
      older!.dirty = true
      dirty.push(older!)
    }
  }

  /** Cuts a page that grew too large, between entries of different times. What becomes a row of its own is returned. */
  function split(place: Place<E>, key: BinaryKey): readonly E[] {
    const { page, head } = place
    const cut = cutOf(page.entries)
    if (cut === 0) return NONE
    // A head keeps the newer half; an older page, whose row is named by its first time, keeps the older one.
    const moved = head === undefined ? page.entries.splice(cut) : page.entries.splice(0, cut)
    const bytes = moved.reduce((sum, entry) => sum + entry.size, 0)
    page.bytes -= bytes
    if (head !== undefined) headPage(head).older = true
    else nameByFirst(place.older!)
    changed(place)
    const half: OlderPage<E> = {
      row: prefixOf(key) + timeKey(moved[0]!.t),
      key,
      entries: moved,
      bytes,
      dirty: false,
    }
    pages.set(half.row, half)
    pageBytes += bytes + OVERHEAD
    rows.put(half.row, encode(half)) // at once: scans have to find it
    changed(inPage(half)) // and again, for an entry in it may yet be changed in place
    return head === undefined ? NONE : moved
  }

  /** The first page of all takes entries older than its row says; once it is cut, the row must say so. */
  function nameByFirst(page: OlderPage<E>): void {
    const row = prefixOf(page.key) + timeKey(page.entries[0]!.t)
    if (row >= page.row) return
    rows.delete(page.row)
    pages.delete(page.row)
    page.row = row
    pages.set(row, page)
    rows.put(row, encode(page))
  }

  /** The page that holds this very entry. */
  function holder(head: Head, entry: E): Place<E> {
    const start = isNewest(headPage(head), entry.t) ? inHeadOf(head) : home(head, entry.t)
    for (let place: Place<E> | undefined = start; place !== undefined; place = previous(head, place)) {
      if (place.page.entries.includes(entry)) return place
    }
    throw new RangeError('an entry is in none of the pages of its key')
  }

  /** The last entry before the place that `placeOf` finds for `t`, page by page backwards. */
  function lastBefore(head: Head, t: number, placeOf: typeof placeAfter): E | undefined {
    const { entries, older } = headPage(head)
    const at = placeOf(entries, t)
    if (at > 0) return entries[at - 1]
    if (!older) return undefined
    for (
      let place: Place<E> | undefined = home(head, t);
      place !== undefined;
      place = previous(head, place)
    ) {
      const found = placeOf(place.page.entries, t)
      if (found > 0) return place.page.entries[found - 1]
    }
    return undefined
  }

  return {
    floor: (head, t) => lastBefore(head, t, placeAfter),
    below: (head, t) => lastBefore(head, t, placeBefore),
    above(head, t) {
      const newest = headPage(head)
      if (isNewest(newest, t)) return newest.entries[placeAfter(newest.entries, t)]
      for (let place: Place<E> | undefined = home(head, t); place !== undefined; place = next(head, place)) {
        const { entries } = place.page
        const at = placeAfter(entries, t)
        if (at < entries.length) return entries[at]
      }
      return undefined
    },
    range(head, from, to) {
      if (from >= to) return NONE
      const newest = headPage(head)
      if (isNewest(newest, from)) {
        const { entries } = newest
        if (entries.length === 0 || entries[entries.length - 1]!.t < from) return NONE
        const start = placeBefore(entries, from)
        const end = placeBefore(entries, to)
        return start === end ? NONE : entries.slice(start, end)
      }
      const found: E[] = []
      for (
        let place: Place<E> | undefined = home(head, from);
        place !== undefined;
        place = next(head, place)
      ) {
        const { entries } = place.page
        for (let at = placeBefore(entries, from); at < entries.length; at++) {
          const entry = entries[at]!
          if (entry.t >= to) return found
          found.push(entry)
        }
      }
      return found
    },
    insert(head, entry) {
      grown++
      const newest = headPage(head)
      if (isNewest(newest, entry.t)) {
        newest.entries = inserted(newest.entries, placeAfter(newest.entries, entry.t), entry)
        newest.bytes += entry.size
        heads.changed(head, newest)
        return newest.bytes > PAGE_BYTES ? split(inHeadOf(head), head.key) : NONE
      }
      const place = home(head, entry.t)
      const { page, older } = place
      page.entries = inserted(page.entries, placeAfter(page.entries, entry.t), entry)
      page.bytes += entry.size
      changed(place)
      const moved = page.bytes > PAGE_BYTES ? split(place, head.key) : NONE
      return older === undefined ? moved : [entry]
    },
    replace(head, before, entry) {
      const place = holder(head, before)
      const { page } = place
      page.entries[page.entries.indexOf(before)] = entry
      page.bytes += entry.size - before.size
      changed(place)
    },
    remove(head, entry) {
      const place = holder(head, entry)
      const { page } = place
      page.entries.splice(page.entries.indexOf(entry), 1)
      page.bytes -= entry.size
      grown--
      changed(place)
    },
    removeUpTo(head, t) {
      for (
        let place: Place<E> | undefined = home(head, t);
        place !== undefined;
        place = previous(head, place)
      ) {
        const gone = place.page.entries.splice(0, placeAfter(place.page.entries, t))
        if (gone.length === 0) continue
        place.page.bytes -= gone.reduce((sum, entry) => sum + entry.size, 0)
        grown -= gone.length
        changed(place)
      }
    },
    touch: (head, entry) => changed(holder(head, entry)),
    inHead: (head) => headPage(head).entries,
    hasPages: (head) => headPage(head).older,
    grown: () => grown,
    sweep(from, limit, { isGone, onGone }) {
      const found = rows.scan({ from: from ?? region, to: afterPrefix(region), limit })
      for (const { key: row, value } of found) {
        const { key } = unescapeKey(row.slice(region.length))
        const page = pages.get(row)
        const last =
          page === undefined ? value.readDoubleBE(0) : (page.entries[page.entries.length - 1]?.t ?? -Infinity)
        if (!isGone(key, last)) continue
        const entries = page?.entries ?? decode(value)
        grown -= entries.length
        for (const entry of entries) onGone(key, entry)
        if (page !== undefined) page.dirty = false
        pages.delete(row)
        rows.delete(row)
      }
      const last = found[found.length - 1]
      return last === undefined || found.length < limit ? undefined : `${last.key}\0`
    },
    flush() {
      for (const page of dirty) {
        if (!page.dirty) continue // swept since
        page.dirty = false
        if (page.entries.length > 0) rows.put(page.row, encode(page))
        else {
          rows.delete(page.row)
          pages.delete(page.row)
        }
      }
      dirty = []
      if (pageBytes <= cacheBytes) return
      pages = new Map()
      pageBytes = 0
    },
  }
}
