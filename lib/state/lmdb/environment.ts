import { type Database as LmdbDatabase, open, type RootDatabase } from 'lmdb'
import { assert } from '../../core/assert.js'
import type { BinaryKey } from '../../core/binary-key.js'
import type { CommittedRows, Row } from '../port.js'

/** A named database of an environment: ordered rows that are written at once, inside a transaction. */
export interface Database extends CommittedRows {
  put(key: BinaryKey, value: Buffer): void
  delete(key: BinaryKey): void
  clear(): void
}

/**
 * One LMDB environment: a directory that one process writes. It may hold the state of many tasks and the logs of
 * the embedded broker, so that all of it changes in one transaction.
 */
export interface Environment {
  readonly path: string
  database(name: string): Database
  /** Everything that `run` writes happens, or nothing when it throws. Synchronous; inside another one it joins it. */
  transaction<T>(run: () => T): T
  /** When everything committed so far is on the device. */
  flushed(): Promise<void>
  close(): Promise<void>
}

export interface EnvironmentOptions {
  readonly maxDatabases?: number
  /**
   * `durable`: a commit is on the device once `flushed()` resolves. `lazy`: never waits for the device; a crash of
   * the process loses nothing, a crash of the machine may lose or damage the environment.
   */
  readonly durability: 'durable' | 'lazy'
}

/** A key goes into LMDB's own buffer as it is: no Buffer is made per key. */
const KEYS = {
  writeKey(key: BinaryKey | undefined, target: Buffer, position: number): number {
    if (typeof key !== 'string') return position
    return position + target.write(key, position, 'latin1')
  },
  readKey(source: Buffer, start: number, end: number): BinaryKey {
    return source.toString('latin1', start, end)
  },
}

/** Raw bytes on both sides. lmdb's types leave `keyEncoder` out. */
const FORMAT = { encoding: 'binary', keyEncoder: KEYS } as { encoding: 'binary' }

export function openEnvironment(
  path: string,
  { durability, maxDatabases = 256 }: EnvironmentOptions,
): Environment {
  const root: RootDatabase<Buffer, BinaryKey> = open({
    path,
    maxDbs: maxDatabases,
    ...FORMAT,
    noMemInit: true,
    noSync: durability === 'lazy',
    overlappingSync: durability !== 'lazy',
  })
  const databases = new Map<string, Database>()
  let depth = 0
  return {
    path,
    database(name) {
      const known = databases.get(name)
      if (known !== undefined) return known
      const made = createDatabase(root.openDB<Buffer, BinaryKey>({ name, ...FORMAT }))
      databases.set(name, made)
      return made
    },
    transaction<T>(run: () => T): T {
      if (depth > 0) return run()
      depth++
      try {
        return root.transactionSync(() => {
          const result = run()
          assert(!(result instanceof Promise), 'a transaction is synchronous')
          return result
        })
      } finally {
        depth--
      }
    },
    flushed: async () => {
      await root.flushed
    },
    close: () => root.close(),
  }
}

function createDatabase(db: LmdbDatabase<Buffer, BinaryKey>): Database {
  return {
    get(key) {
      const shared = db.getBinaryFast(key)
      return shared === undefined ? undefined : Buffer.from(shared.subarray(0, shared.length))
    },
    scan({ from, to, reverse = false, limit }) {
      const found: Row[] = []
      // In reverse LMDB's start is inclusive and its end is not; ours are the other way round.
      const range = reverse
        ? { ...(to === undefined ? {} : { start: to }), reverse, limit: limit + 1 }
        : { ...(from === undefined ? {} : { start: from }), ...(to === undefined ? {} : { end: to }), limit }
      for (const { key, value } of db.getRange(range)) {
        if (reverse) {
          if (key === to) continue
          if (from !== undefined && key < from) break
          if (found.length === limit) break
        }
        found.push({ key, value: Buffer.from(value) })
      }
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
