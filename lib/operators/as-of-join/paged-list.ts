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
import type { EntryCodec, Head, HeadPage, Heads, Page, Timed } from './heads.js'

/**
 * A list by time for each key, kept in pages of about 4 KB, so that an entry costs one small row to read and write
 * however many the key has. The newest page is in the key's head. When it grows too large its older half becomes a
 * row of its own, found by one scan backwards from the time that is looked for:
 *
 *     region | key, escaped | time of the first entry when it was cut    last entry's time f64 | entries
 */
export interface PagedList<E extends Timed> {
  /** The last entry with `entry.t <= t`. */
  readonly floor: (key: BinaryKey, t: number) => E | undefined
  /** The last entry with `entry.t < t`. */
  readonly below: (key: BinaryKey, t: number) => E | undefined
  /** The first entry with `entry.t > t`. */
  readonly above: (key: BinaryKey, t: number) => E | undefined
  /** Entries with `from <= t < to`, ascending: a copy. */
  readonly range: (key: BinaryKey, from: number, to: number) => readonly E[]
  /** Puts an entry after those of the same time. Says which entries are in an older page by it that were in none. */
  readonly insert: (key: BinaryKey, entry: E) => readonly E[]
  /** Puts one entry in the place of another of the same time. */
  readonly replace: (key: BinaryKey, old: E, entry: E) => void
  readonly remove: (key: BinaryKey, entry: E) => void
  /** Removes every entry with `entry.t <= t`. */
  readonly removeUpTo: (key: BinaryKey, t: number) => void
  /** An entry changed in place. */
  readonly touch: (key: BinaryKey, entry: E) => void
  /** Finds in the head alone; and whether there may be older pages. */
  readonly inHead: (key: BinaryKey, is: (entry: E) => boolean) => E | undefined
  readonly hasPages: (key: BinaryKey) => boolean
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
  readonly list: number
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
  const { size } = codec
  const writer = createPageWriter()
  const reader = createPageReader()
  let dirty: OlderPage<E>[] = []
  let pages = new Map<BinaryKey, OlderPage<E>>()
  let pageBytes = 0
  let grown = 0

  const prefixOf = (key: BinaryKey): BinaryKey => region + escapeKey(key)
  const headPage = (head: Head): HeadPage<E> => head.lists[list] as HeadPage<E>
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
    for (const entry of entries) codec.write(entry, writer)
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

  /** Where an entry of time `t` belongs; `undefined` for a key without a head. */
  function home(key: BinaryKey, t: number): Place<E> | undefined {
    const head = heads.get(key)
    if (head === undefined) return undefined
    const newest = headPage(head)
    if (newest.older && (newest.entries.length === 0 || t < newest.entries[0]!.t)) {
      // The last page that begins at or before `t`; before all of them, the first.
      const page = pageUpTo(key, `${timeKey(t)}\0`) ?? pageFrom(key, '')
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

  function previous({ head, older }: Place<E>): Place<E> | undefined {
    if (head !== undefined && !headPage(head).older) return undefined
    const page =
      head !== undefined
        ? pageUpTo(head.key, '\xff\xff')
        : pageUpTo(older!.key, older!.row.slice(-TIME_KEY_BYTES))
    return page === undefined ? undefined : inPage(page)
  }

  function next({ older }: Place<E>): Place<E> | undefined {
    if (older === undefined) return undefined
    const page = pageFrom(older.key, `${older.row.slice(-TIME_KEY_BYTES)}\0`)
    if (page !== undefined) return inPage(page)
    const head = heads.get(older.key)
    return head === undefined ? undefined : inHeadOf(head)
  }

  function changed({ head, older }: Place<E>): void {
    if (head !== undefined) heads.changed(head, list)
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
    const bytes = moved.reduce((sum, entry) => sum + size(entry), 0)
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
  function holder(key: BinaryKey, entry: E): Place<E> {
    for (let place = home(key, entry.t); place !== undefined; place = previous(place)) {
      if (place.page.entries.includes(entry)) return place
    }
    throw new RangeError('an entry is in none of the pages of its key')
  }

  return {
    floor(key, t) {
      for (let place = home(key, t); place !== undefined; place = previous(place)) {
        const { entries } = place.page
        const at = placeAfter(entries, t)
        if (at > 0) return entries[at - 1]
      }
      return undefined
    },
    below(key, t) {
      for (let place = home(key, t); place !== undefined; place = previous(place)) {
        const { entries } = place.page
        const at = placeBefore(entries, t)
        if (at > 0) return entries[at - 1]
      }
      return undefined
    },
    above(key, t) {
      for (let place = home(key, t); place !== undefined; place = next(place)) {
        const { entries } = place.page
        const at = placeAfter(entries, t)
        if (at < entries.length) return entries[at]
      }
      return undefined
    },
    range(key, from, to) {
      if (from >= to) return NONE
      let found: E[] | undefined
      for (let place = home(key, from); place !== undefined; place = next(place)) {
        const { entries } = place.page
        for (let at = placeBefore(entries, from); at < entries.length; at++) {
          const entry = entries[at]!
          if (entry.t >= to) return found ?? NONE
          if (found === undefined) found = [entry]
          else found.push(entry)
        }
      }
      return found ?? NONE
    },
    insert(key, entry) {
      const place = home(key, entry.t) ?? inHeadOf(heads.make(key))
      const { page, older } = place
      page.entries.splice(placeAfter(page.entries, entry.t), 0, entry)
      page.bytes += size(entry)
      grown++
      changed(place)
      const moved = page.bytes > PAGE_BYTES ? split(place, key) : NONE
      return older === undefined ? moved : [entry]
    },
    replace(key, before, entry) {
      const place = holder(key, before)
      const { page } = place
      page.entries[page.entries.indexOf(before)] = entry
      page.bytes += size(entry) - size(before)
      changed(place)
    },
    remove(key, entry) {
      const place = holder(key, entry)
      const { page } = place
      page.entries.splice(page.entries.indexOf(entry), 1)
      page.bytes -= size(entry)
      grown--
      changed(place)
    },
    removeUpTo(key, t) {
      for (let place = home(key, t); place !== undefined; place = previous(place)) {
        const gone = place.page.entries.splice(0, placeAfter(place.page.entries, t))
        if (gone.length === 0) continue
        place.page.bytes -= gone.reduce((sum, entry) => sum + size(entry), 0)
        grown -= gone.length
        changed(place)
      }
    },
    touch: (key, entry) => changed(holder(key, entry)),
    inHead(key, is) {
      const head = heads.get(key)
      return head === undefined ? undefined : headPage(head).entries.find(is)
    },
    hasPages(key) {
      const head = heads.get(key)
      return head !== undefined && headPage(head).older
    },
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

/** The place after the last entry with `entry.t <= t`. */
function placeAfter(entries: readonly Timed[], t: number): number {
  let high = entries.length
  if (high === 0 || entries[high - 1]!.t <= t) return high
  let low = 0
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle]!.t <= t) low = middle + 1
    else high = middle
  }
  return low
}

/** The place of the first entry with `entry.t >= t`. */
function placeBefore(entries: readonly Timed[], t: number): number {
  let at = placeAfter(entries, t)
  while (at > 0 && entries[at - 1]!.t === t) at--
  return at
}

/** The place nearest to the middle where the time changes; 0 when all are of one time. */
function cutOf(entries: readonly Timed[]): number {
  if (entries.length < 2) return 0 // one large entry
  const middle = entries.length >> 1
  let cut = middle
  while (cut < entries.length && entries[cut]!.t === entries[cut - 1]!.t) cut++
  if (cut < entries.length) return cut
  cut = middle
  while (cut > 0 && entries[cut]!.t === entries[cut - 1]!.t) cut--
  return cut
}
