import type { BinaryKey } from '../core/binary-key.js'
import { RevlogError } from '../core/errors.js'
import { compareKeys as compare, createOrderedKeys, type OrderedKeys } from './ordered-keys.js'
import { type CommittedRows, MAX_KEY_BYTES, type Row, type Scan, type Write } from './port.js'

/** What a store did so far, in rows. */
export interface StoreCounters {
  gets: number
  puts: number
  deletes: number
  /** Rows that scans returned. */
  scanned: number
}

/** The rows of one store as its task sees them: the last commit, and over it what was written since. */
export interface BufferedRows {
  readonly store: string
  readonly counters: Readonly<StoreCounters>
  get(key: BinaryKey): Buffer | undefined
  put(key: BinaryKey, value: Buffer): void
  delete(key: BinaryKey): void
  scan(scan: Scan): Row[]
  /** Every row of the stretch, fetched in pages, so rows may be written while it is walked. */
  rows(scan?: Omit<Scan, 'limit'>): Iterable<Row>
}

export interface WriteBuffer extends BufferedRows {
  /** Bytes of keys and values that wait for the commit. */
  readonly bytes: number
  /** The writes since the last commit, ascending by key, each key once. They stay visible until `clear`. */
  writes(): Write[]
  /** Forgets the writes: they are committed now, or given up. */
  clear(): void
}

const PAGE = 256
/** Tells a key that was deleted from one that was not written, in one look-up. */
const DELETED: unique symbol = Symbol('deleted')

/**
 * Writes wait here for the commit and are read back from here: nothing reaches the engine below before the
 * outputs of the same records are safe, a crash takes back exactly what was not committed, and a key written
 * a thousand times is one row and one changelog record.
 *
 * Point reads use a hash map. The order is only needed by scans, so it is built by the first one after a commit.
 */
export function createWriteBuffer(store: string, committed: CommittedRows): WriteBuffer {
  const pending = new Map<BinaryKey, Buffer | typeof DELETED>()
  let order: OrderedKeys | undefined
  let bytes = 0
  const counters: StoreCounters = { gets: 0, puts: 0, deletes: 0, scanned: 0 }

  function write(key: BinaryKey, value: Buffer | undefined): void {
    if (key.length > MAX_KEY_BYTES || key.length === 0) throw unstorable(store, key.length)
    const known = pending.get(key)
    if (known === undefined) {
      bytes += key.length
      order?.add(key)
    } else if (known !== DELETED) {
      bytes -= known.length
    }
    if (value !== undefined) bytes += value.length
    pending.set(key, value ?? DELETED)
  }

  function scan(request: Scan): Row[] {
    const found = pending.size === 0 ? committed.scan(request) : merged(request)
    counters.scanned += found.length
    return found
  }

  /** Walks both sides in step; where both have a key, the write since the commit counts. */
  function merged(request: Scan): Row[] {
    const found: Row[] = []
    const { reverse = false, limit } = request
    if (limit <= 0) return found
    order ??= createOrderedKeys(pending.keys())
    let own = order.first(request)
    let { from, to } = request
    let below: Row[] = []
    let at = 0
    let exhausted = false
    // A page of what is still wanted, at first: only rows that were deleted since make another one necessary.
    let page = limit
    for (;;) {
      if (at === below.length && !exhausted) {
        below = committed.scan({ from, to, reverse, limit: page })
        exhausted = below.length < page
        at = 0
        page = Math.min(2 * page, PAGE)
        const last = below[below.length - 1]
        if (last !== undefined) {
          if (reverse) to = last.key
          else from = `${last.key}\0`
        }
      }
      const row = below[at]
      if (own === undefined && row === undefined) return found
      const first =
        own === undefined ? 1 : row === undefined ? -1 : compare(own, row.key) * (reverse ? -1 : 1)
      if (first >= 0) at++
      if (first > 0) found.push(row!)
      else {
        const value = pending.get(own!)!
        if (value !== DELETED) found.push({ key: own!, value })
      }
      if (found.length >= limit) return found
      if (first <= 0) own = order.next(request, own!)
    }
  }

  return {
    store,
    counters,
    get bytes() {
      return bytes
    },
    get(key) {
      counters.gets++
      const own = pending.get(key)
      if (own === undefined) return committed.get(key)
      return own === DELETED ? undefined : own
    },
    put(key, value) {
      counters.puts++
      write(key, value)
    },
    delete(key) {
      counters.deletes++
      write(key, undefined)
    },
    scan,
    *rows({ from, to, reverse = false } = {}) {
      for (;;) {
        const page = scan({ from, to, reverse, limit: PAGE })
        yield* page
        const last = page[page.length - 1]
        if (last === undefined || page.length < PAGE) return
        if (reverse) to = last.key
        else from = `${last.key}\0`
      }
    },
    writes() {
      const keys = [...pending.keys()].sort()
      return keys.map((key) => {
        const value = pending.get(key)!
        return { key, value: value === DELETED ? undefined : value }
      })
    },
    clear() {
      pending.clear()
      order = undefined
      bytes = 0
    },
  }
}

function unstorable(store: string, length: number): RevlogError {
  return new RevlogError('E_KEY_TOO_LONG', `a key of ${length} bytes cannot be stored`, {
    remedy: `keys have 1 to ${MAX_KEY_BYTES} bytes: use a shorter key, or its hash, with selectKey or groupBy`,
    at: { store },
  })
}
