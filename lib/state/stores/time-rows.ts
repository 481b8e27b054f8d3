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
import type { BufferedRows } from '../write-buffer.js'

/**
 * Rows by key and time, which expire as event time goes on. What versioned and window stores are made of.
 *
 *     01 | key, escaped | time 7 bytes      a row
 *     00                                    observed stream time f64 | where the sweep is
 *
 * What is visible depends on the observed stream time alone. Expired rows are removed by a sweep that goes round
 * the store, a few rows for each write, so that no write ever pays for many.
 */
export interface TimeRows {
  /** The greatest time that was put, over all keys; -1 before the first. */
  readonly observedTime: () => number
  /** Moves the observed time on, and sweeps a few rows. */
  readonly observe: (time: number) => void
  readonly rowKey: (key: BinaryKey, time: number) => BinaryKey
  readonly put: (key: BinaryKey, time: number, value: Buffer) => void
  readonly delete: (key: BinaryKey, time: number) => void
  readonly get: (key: BinaryKey, time: number) => Buffer | undefined
  /** Rows of a key with `from <= time <= to`, ascending or descending. */
  readonly of: (key: BinaryKey, from: number, to: number, reverse?: boolean) => IterableIterator<TimeRow>
  /** At most one row of a key: the first with `from <= time`, or in reverse the last with `time <= to`. */
  readonly firstFrom: (key: BinaryKey, from: number) => TimeRow | undefined
  readonly lastUpTo: (key: BinaryKey, to: number) => TimeRow | undefined
  /** Every row, by key and then time. */
  readonly all: (reverse?: boolean) => IterableIterator<TimeRow>
}

export interface TimeRow {
  readonly key: BinaryKey
  readonly time: number
  readonly value: Buffer
}

const META = '\0'
const DATA = '\x01'
const SWEPT_PER_WRITE = 2

/**
 * @param isExpired whether a row may go; `next` is the row after it, if that belongs to the same key.
 */
export function createTimeRows(
  rows: BufferedRows,
  isExpired: (row: TimeRow, next: TimeRow | undefined, observed: number) => boolean,
): TimeRows {
  const meta = rows.get(META)
  let observed = meta === undefined ? -1 : meta.readDoubleBE(0)
  let cursor: BinaryKey = meta === undefined ? DATA : meta.toString('latin1', 8)

  const prefix = (key: BinaryKey): BinaryKey => DATA + escapeKey(key)
  const parse = ({ key, value }: Row): TimeRow => {
    const timeAt = key.length - TIME_KEY_BYTES
    return { key: unescapeKey(key.slice(1, timeAt)).key, time: timeOfKey(key, timeAt), value }
  }

  function sweep(): void {
    const page = rows
      .scan({ from: cursor, to: afterPrefix(DATA), limit: SWEPT_PER_WRITE + 1 })
      .map((row) => ({ row, at: parse(row) }))
    page.slice(0, SWEPT_PER_WRITE).forEach(({ row, at }, i) => {
      const next = page[i + 1]?.at
      if (isExpired(at, next?.key === at.key ? next : undefined, observed)) rows.delete(row.key)
    })
    cursor = page[SWEPT_PER_WRITE]?.row.key ?? DATA
  }

  function* parsed(found: Iterable<Row>): IterableIterator<TimeRow> {
    for (const row of found) yield parse(row)
  }

  const only = ([row]: Row[]): TimeRow | undefined => (row === undefined ? undefined : parse(row))

  return {
    observedTime: () => observed,
    observe(time) {
      observed = Math.max(observed, time)
      sweep()
      const bytes = Buffer.allocUnsafe(8 + cursor.length)
      bytes.writeDoubleBE(observed, 0)
      bytes.write(cursor, 8, 'latin1')
      rows.put(META, bytes)
    },
    rowKey: (key, time) => prefix(key) + timeKey(time),
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
    lastUpTo(key, to) {
      const start = prefix(key)
      return only(rows.scan({ from: start, to: `${start}${timeKey(clamp(to))}\0`, reverse: true, limit: 1 }))
    },
    all: (reverse = false) => parsed(rows.rows({ from: DATA, to: afterPrefix(DATA), reverse })),
  }
}

/** Callers say "from the beginning" and "to the end" with infinities. */
const clamp = (time: number): number => Math.min(Math.max(time, -MAX_TIME), MAX_TIME)
