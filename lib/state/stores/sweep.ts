import { type BinaryKey, bytesOfKey, keyOfBytes } from '../../core/binary-key.js'
import type { TimeRow } from './time-rows.js'

/** When rows may go. Both are event times, compared with the observed stream time of the store. */
export interface Expiry {
  /** How long after a write at `time` something may have to go: no row goes before `time + atLeast`. */
  readonly atLeast: number
  /**
   * The observed time from which a row may go, `Infinity` when there is none yet.
   *
   * @param next the row after it, if that belongs to the same key.
   */
  readonly from: (row: TimeRow, next: TimeRow | undefined) => number
  /** Whether a row must stay as long as an older one of its key is there, which would be uncovered. */
  readonly covers: (row: TimeRow) => boolean
}

/** The rows that are swept, each with its place. */
export interface SweptRows {
  readonly page: (from: BinaryKey, limit: number) => { readonly at: BinaryKey; readonly row: TimeRow }[]
  readonly hasOlder: (row: TimeRow) => boolean
  readonly remove: (at: BinaryKey) => void
}

export interface Sweep {
  readonly wrote: (time: number, observed: number) => void
  /** What goes on after a restart: see the layout below. */
  readonly state: () => Buffer
}

/**
 * Two rows are looked at for each row written, so there are never more expired rows than others (the sweep sees
 * every row while half as many are written). Some writes at a time, because a scan costs much more than a row of it.
 */
const WRITES = 32
const ROWS = 2 * WRITES

/**
 * Removes what has expired, in rounds through the store by key. While nothing can have expired there is no round:
 * each round finds out when the next one has something to do.
 *
 *     next round when the observed time is f64 | the same, as this round knows it so far f64 | place of this round
 *
 * The place is empty when there is no round.
 */
export function createSweep(expiry: Expiry, stored: Buffer | undefined, rows: SweptRows): Sweep {
  let due = stored === undefined ? Infinity : stored.readDoubleBE(0)
  let dueAfter = stored === undefined ? Infinity : stored.readDoubleBE(8)
  let place: BinaryKey = stored === undefined ? '' : keyOfBytes(stored.subarray(16))
  let writes = 0

  function step(observed: number): void {
    const page = rows.page(place, ROWS + 1)
    const looked = Math.min(page.length, ROWS)
    for (let i = 0; i < looked; i++) {
      const { at, row } = page[i]!
      const after = page[i + 1]?.row
      const from = expiry.from(row, after?.key === row.key ? after : undefined)
      if (from <= observed && !(expiry.covers(row) && rows.hasOlder(row))) rows.remove(at)
      else dueAfter = Math.min(dueAfter, from)
    }
    const next = page[ROWS]
    if (next !== undefined) {
      place = next.at
      return
    }
    place = ''
    due = dueAfter
    dueAfter = Infinity
  }

  return {
    wrote(time, observed) {
      const from = time + expiry.atLeast
      if (from < due) due = from
      if (place !== '' && from < dueAfter) dueAfter = from
      if (++writes < WRITES) return
      writes = 0
      if (place !== '' || due <= observed) step(observed)
    },
    state() {
      const bytes = Buffer.allocUnsafe(16 + place.length)
      bytes.writeDoubleBE(due, 0)
      bytes.writeDoubleBE(dueAfter, 8)
      bytes.set(bytesOfKey(place), 16)
      return bytes
    },
  }
}
