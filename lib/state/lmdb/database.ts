import type { BinaryKey } from '../../core/binary-key.js'
import type { CommittedRows, Row, Scan } from '../port.js'

/** A named database of an environment: ordered rows that are written at once, inside a transaction. */
export interface Database extends CommittedRows {
  /** `value` is copied before this returns. */
  put(key: BinaryKey, value: Buffer): void
  delete(key: BinaryKey): void
  clear(): void
}

/** What Node's Buffer does underneath its checked methods; Node's types leave them out. */
interface Latin1 {
  latin1Write(text: string, at: number): number
  latin1Slice(start: number, end: number): string
}

/** A key goes into LMDB's own buffer as it is: no Buffer is made per key, which is a tenth faster than Buffer keys. */
const KEYS = {
  writeKey(key: BinaryKey | undefined, target: Buffer & Latin1, position: number): number {
    if (typeof key !== 'string') return position
    return position + target.latin1Write(key, position)
  },
  readKey: (source: Buffer & Latin1, start: number, end: number): BinaryKey => source.latin1Slice(start, end),
}

/** Raw bytes on both sides. lmdb's types leave `keyEncoder` out. */
export const FORMAT = { encoding: 'binary', keyEncoder: KEYS } as { encoding: 'binary' }

/**
 * What is used of lmdb's database. In words of our own, because lmdb's declarations do not compile as an ES module
 * and whoever imports revlog would meet them.
 */
interface LmdbDatabase {
  getBinaryFast(key: BinaryKey): Buffer | undefined
  getRange(range: Range): Iterable<Row>
  putSync(key: BinaryKey, value: Buffer): unknown
  removeSync(key: BinaryKey): unknown
  clearSync(): void
}

interface Range {
  start?: BinaryKey
  end?: BinaryKey
  exclusiveStart?: boolean
  inclusiveEnd?: boolean
  reverse: boolean
  limit: number
}

export function createDatabase(db: LmdbDatabase): Database {
  return {
    get(key) {
      // It belongs to lmdb until the next call, and only `subarray` tells its length: a quarter faster than getBinary.
      const shared = db.getBinaryFast(key)
      return shared === undefined ? undefined : Buffer.from(shared.subarray(0, shared.length))
    },
    scan(scan) {
      const found: Row[] = []
      // LMDB takes an empty end for none; below the empty key there is nothing.
      if (scan.to === '' || scan.limit <= 0) return found
      for (const row of db.getRange(rangeOf(scan))) found.push(row)
      return found
    },
    put(key, value) {
      db.putSync(key, value)
    },
    delete(key) {
      db.removeSync(key)
    },
    clear() {
      db.clearSync()
    },
  }
}

/** In reverse LMDB starts at the upper end, so which of the two ends belongs to the range is swapped. */
function rangeOf({ from, to, reverse = false, limit }: Scan): Range {
  const range: Range = { limit, reverse }
  const [start, end] = reverse ? [to, from] : [from, to]
  if (start !== undefined) range.start = start
  if (end !== undefined && end !== '') range.end = end
  if (reverse) {
    range.exclusiveStart = true
    range.inclusiveEnd = true
  }
  return range
}
