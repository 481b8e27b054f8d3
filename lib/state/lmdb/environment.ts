import { accessSync, constants, mkdirSync, statSync, truncateSync } from 'node:fs'
import { type Database as LmdbDatabase, open, type RootDatabase } from 'lmdb'
import { assert } from '../../core/assert.js'
import type { BinaryKey } from '../../core/binary-key.js'
import { messageOf, RevlogError } from '../../core/errors.js'
import type { CommittedRows, Row } from '../port.js'
import { checkDataFile, dataFile } from './data-file.js'
import { createRoom, diskFull, FULL_BYTES, freeBytes } from './room.js'

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
  /**
   * Everything that `run` writes happens, or nothing when it throws. Synchronous; inside another one it joins it.
   * `bytes`: about how much it writes, if the caller knows, so that a full disk is noticed before.
   */
  transaction<T>(run: () => T, bytes?: number): T
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

/** Files for this user only. lmdb's types leave this out too. */
const PRIVATE = { permissionsMode: 0o600 } as object

/** Raw bytes on both sides. lmdb's types leave `keyEncoder` out. */
const FORMAT = { encoding: 'binary', keyEncoder: KEYS } as { encoding: 'binary' }

export function openEnvironment(
  path: string,
  { durability, maxDatabases = 256 }: EnvironmentOptions,
): Environment {
  checkDirectory(path)
  checkDataFile(path)
  const root: RootDatabase<Buffer, BinaryKey> = open({
    path,
    ...PRIVATE,
    maxDbs: maxDatabases,
    ...FORMAT,
    noMemInit: true,
    noSync: durability === 'lazy',
    overlappingSync: durability !== 'lazy',
  })
  const file = { path: dataFile(path), inode: statSync(dataFile(path)).ino }
  const room = createRoom(path)
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
    transaction<T>(run: () => T, bytes = 0): T {
      if (depth > 0) return run()
      depth++
      try {
        const before = cover(file, root)
        room.require(bytes)
        const result = root.transactionSync(() => {
          const made = run()
          assert(!(made instanceof Promise), 'a transaction is synchronous')
          return made
        })
        room.grew(usedBytes(root) - before)
        return result
      } catch (thrown) {
        const error = storageError(path, thrown)
        if (error !== thrown) room.failed()
        throw error
      } finally {
        depth--
      }
    },
    flushed: async () => {
      try {
        await root.flushed
      } catch (thrown) {
        throw storageError(path, thrown)
      }
    },
    async close() {
      const used = usedBytes(root)
      await root.close()
      resize(file, (size) => Math.min(size, used))
    },
  }
}

/** More than a transaction adds to the file: what one writes is bounded by those who collect it. */
const SLACK_BYTES = 64 << 20

/**
 * Keeps the data file longer than LMDB says it is. A commit may leave its last pages unwritten because it freed them
 * again; without them {@link checkDataFile} could not tell such a file from one that was cut off. It happens before
 * the commit, because a process may be killed right after it, and because nothing that fails after a commit may look
 * like a commit that failed. What is added is a hole, which takes no room on the disk; closing removes it.
 * Returns how much LMDB uses.
 */
function cover(file: DataFile, root: RootDatabase<Buffer, BinaryKey>): number {
  const used = usedBytes(root)
  const needed = used + SLACK_BYTES
  resize(file, (size) => (size < needed ? needed + SLACK_BYTES : size))
  return used
}

/** The file that LMDB has open. Another one may have taken its place, which is nobody's to change. */
interface DataFile {
  readonly path: string
  readonly inode: number
}

function resize({ path, inode }: DataFile, to: (size: number) => number): void {
  const now = statSync(path, { throwIfNoEntry: false })
  if (now === undefined || now.ino !== inode) return
  const size = to(now.size)
  if (size !== now.size) truncateSync(path, size)
}

function usedBytes(root: RootDatabase<Buffer, BinaryKey>): number {
  const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number }
  return (lastPageNumber + 1) * pageSize
}

function checkDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new RevlogError('E_STATE_DIR_NOT_WRITABLE', `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      remedy: 'give a directory on a local disk that this user may write',
    })
  }
}

/** What LMDB throws for a device that takes no more, with what a person needs to know. Anything else as it is. */
function storageError(path: string, thrown: unknown): unknown {
  if (thrown instanceof RevlogError || !(thrown instanceof Error)) return thrown
  if (!/input\/output error|no space left|disk quota|error code (5|28)\b/i.test(thrown.message)) return thrown
  if (freeBytes(path) < FULL_BYTES) return diskFull(path, thrown)
  return new RevlogError('E_STATE_IO', `writing to ${path} failed: ${thrown.message}`, {
    cause: thrown,
    at: { file: path },
    remedy: 'check the disk; what was committed before is safe',
  })
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
