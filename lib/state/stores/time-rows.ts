import {
  afterPrefix,
  type BinaryKey,
  escapeKey,
  MAX_TIME,
  TIME_KEY_BYTES,
  timeKey,
  timeOfKey,
  unescapeKey,
} from '../../core/binary-key.js'
import type { Row } from '../port.js'
import type { StoreAccess } from '../store.js'
import { createSweep, type Expiry } from './sweep.js'

/**
 * Rows by key and time, which expire as event time goes on. What versioned and window stores are made of.
 *
 *     01 | key, escaped | time 7 bytes      a row
 *     00                                    observed stream time f64 | where the sweep is, see `sweep.ts`
 *
 * What is visible depends on the observed stream time alone. Expired rows are removed by a sweep that goes round
 * the store, a few rows for each write, so that no write ever pays for many.
 */
export interface TimeRows {
  /** The greatest time that was put, over all keys; -1 before the first. It outlives a restart. */
  readonly observedTime: () => number
  /** Something is put at `time`: moves the observed time on, and sweeps now and then. */
  readonly observe: (time: number) => void
  readonly put: (key: BinaryKey, time: number, value: Buffer) => void
  readonly delete: (key: BinaryKey, time: number) => void
  readonly get: (key: BinaryKey, time: number) => Buffer | undefined
  /** Rows of a key with `from <= time <= to`, ascending or descending. */
  readonly of: (key: BinaryKey, from: number, to: number, reverse?: boolean) => IterableIterator<TimeRow>
  /** At most one row of a key: the first with `from <= time`, or in reverse the last with `time <= to`. */
  readonly firstFrom: (key: BinaryKey, from: number) => TimeRow | undefined
  readonly lastUpTo: (key: BinaryKey, to: number) => TimeRow | undefined
  /** Every row, by key and then time. */
  readonly all: () => IterableIterator<TimeRow>
}

export interface TimeRow {
  readonly key: BinaryKey
  readonly time: number
  readonly value: Buffer
}

const META = '\0'
const DATA = '\x01'
const TIME_BYTES = 8

export function createTimeRows({ rows, onFlush }: StoreAccess, expiry: Expiry): TimeRows {
  const prefix = (key: BinaryKey): BinaryKey => DATA + escapeKey(key)
  const parse = ({ key, value }: Row): TimeRow => {
    const timeAt = key.length - TIME_KEY_BYTES
    return { key: unescapeKey(key.slice(1, timeAt)).key, time: timeOfKey(key, timeAt), value }
  }
  const only = ([row]: Row[]): TimeRow | undefined => (row === undefined ? undefined : parse(row))
  const lastUpTo = (key: BinaryKey, to: number): TimeRow | undefined => {
    const start = prefix(key)
    return only(rows.scan({ from: start, to: `${start}${timeKey(clamp(to))}\0`, reverse: true, limit: 1 }))
  }
  function* parsed(found: Iterable<Row>): IterableIterator<TimeRow> {
    for (const row of found) yield parse(row)
  }

  const stored = rows.get(META)
  let observed = stored === undefined ? -1 : stored.readDoubleBE(0)
  let changed = false
  const sweep = createSweep(expiry, stored?.subarray(TIME_BYTES), {
    page(from, limit) {
      const page = rows.scan({ from: from === '' ? DATA : from, to: afterPrefix(DATA), limit })
      return page.map((row) => ({ at: row.key, row: parse(row) }))
    },
    hasOlder: ({ key, time }) => lastUpTo(key, time - 1) !== undefined,
    remove: (at) => rows.delete(at),
  })
  onFlush(() => {
    if (!changed) return
    changed = false
    const swept = sweep.state()
    const bytes = Buffer.allocUnsafe(TIME_BYTES + swept.length)
    bytes.writeDoubleBE(observed, 0)
    bytes.set(swept, TIME_BYTES)
    rows.put(META, bytes)
  })

  return {
    observedTime: () => observed,
    observe(time) {
      if (time > observed) observed = time
      changed = true
      sweep.wrote(time, observed)
    },
    put: (key, time, value) => rows.put(prefix(key) + timeKey(time), value),
    delete: (key, time) => rows.delete(prefix(key) + timeKey(time)),
    get: (key, time) => rows.get(prefix(key) + timeKey(time)),
    of(key, from, to, reverse = false) {
      const start = prefix(key)
      return parsed(
        rows.rows({ from: start + timeKey(clamp(from)), to: `${start}${timeKey(clamp(to))}\0`, reverse }),
      )
    },
    firstFrom(key, from) {
      const start = prefix(key)
      return only(rows.scan({ from: start + timeKey(clamp(from)), to: afterPrefix(start), limit: 1 }))
    },
    lastUpTo,
    all: () => parsed(rows.rows({ from: DATA, to: afterPrefix(DATA) })),
  }
}

/** Callers say "from the beginning" and "to the end" with infinities. */
const clamp = (time: number): number => Math.min(Math.max(time, -MAX_TIME), MAX_TIME)
