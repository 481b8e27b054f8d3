import { accessSync, constants, mkdirSync, statSync, truncateSync } from 'node:fs'
import { open, type RootDatabase } from 'lmdb'
import { assert } from '../../core/assert.js'
import type { BinaryKey } from '../../core/binary-key.js'
import { messageOf, RevlogError } from '../../core/errors.js'
import { checkDataFile, dataFile } from './data-file.js'
import { createDatabase, type Database, FORMAT } from './database.js'
import { createRoom, diskFull, FULL_BYTES, freeBytes } from './room.js'

export type { Database } from './database.js'

/**
 * One LMDB environment: a directory that one process writes. It may hold the state of many tasks and the logs of
 * the embedded broker, so that all of it changes in one transaction.
 */
export interface Environment {
  readonly path: string
  /**
   * The database of that name, made when there is none. A new one is opened outside of transactions: one that was
   * made by a transaction which is then taken back would leave a handle that LMDB gives to the next database.
   */
  database(name: string): Database
  /** The names that begin with `prefix`, of all databases that were ever made. */
  databaseNames(prefix: string): readonly string[]
  /**
   * Everything that `run` writes happens, or nothing when it throws. Synchronous; inside another one it joins it,
   * and then only the outer one takes back. `bytes`: about how much it writes, if the caller knows, so that a full
   * disk is noticed before.
   *
   * @throws RevlogError `E_STATE_DISK_FULL`, `E_STATE_IO`, `E_STATE_DIR_VANISHED`, after which nothing was written;
   * and what `run` throws.
   */
  transaction<T>(run: () => T, bytes?: number): T
  /** When everything committed so far is on the device. */
  flushed(): Promise<void>
  close(): Promise<void>
}

export interface EnvironmentOptions {
  /** 256 when absent. */
  readonly maxDatabases?: number
  /**
   * `durable`: a commit is on the device once `flushed()` resolves. `lazy`: never waits for the device; a crash of
   * the process loses nothing, a crash of the machine may lose or damage the environment.
   */
  readonly durability: 'durable' | 'lazy'
}

/**
 * Address space for the whole file at once, which costs nothing. A map that is outgrown is made anew, twice as large,
 * and the old one stays: the pages of the file then count twice in the memory of the process. It still grows when a
 * file gets larger than this. Windows would make the file that long, so there LMDB begins small.
 */
const MAP = process.platform === 'win32' ? {} : { mapSize: 2 ** 36 }

/**
 * Pages are read one by one, as they are asked for. Rows of a key are beside each other and keys are not, so what the
 * system reads ahead of a page is of no use; where memory is short it drives out what is, and each of them is read
 * again and again. lmdb's types leave this out.
 */
const SCATTERED = (process.platform === 'win32' ? {} : { noReadAhead: true }) as object

/** Files for this user only. lmdb's types leave this out too. */
const PRIVATE = { permissionsMode: 0o600 } as object

/**
 * @throws RevlogError `E_STATE_DIR_NOT_WRITABLE`, `E_STATE_FILE_DAMAGED`.
 * @example
 * const environment = openEnvironment('./data', { durability: 'durable' })
 * const rows = environment.database('rows')
 * environment.transaction(() => rows.put('k', Buffer.from('v')))
 * await environment.flushed()
 */
export function openEnvironment(
  path: string,
  { durability, maxDatabases = 256 }: EnvironmentOptions,
): Environment {
  checkDirectory(path)
  checkDataFile(path)
  const root: RootDatabase<Buffer, BinaryKey> = open({
    path,
    ...PRIVATE,
    ...SCATTERED,
    maxDbs: maxDatabases,
    ...FORMAT,
    noMemInit: true,
    ...MAP,
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
      assert(depth === 0, `database ${name} is opened before the transaction that uses it`)
      const made = createDatabase(openDatabase(root, name, maxDatabases))
      databases.set(name, made)
      return made
    },
    databaseNames(prefix) {
      const names: string[] = []
      for (const key of root.getKeys({ start: prefix })) {
        const name = key.endsWith('\0') ? key.slice(0, -1) : key // LMDB keeps names as C does
        if (!name.startsWith(prefix)) break
        names.push(name)
      }
      return names
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
  // LMDB would go on writing into a deleted file without a word.
  if (!resize(file, (size) => (size < needed ? needed + SLACK_BYTES : size))) throw vanished(file)
  return used
}

/** The file that LMDB has open. Another one may have taken its place, which is nobody's to change. */
interface DataFile {
  readonly path: string
  readonly inode: number
}

/** False when it is not there any more. */
function resize({ path, inode }: DataFile, to: (size: number) => number): boolean {
  const now = statSync(path, { throwIfNoEntry: false })
  if (now === undefined || now.ino !== inode) return false
  const size = to(now.size)
  if (size !== now.size) truncateSync(path, size)
  return true
}

const vanished = ({ path }: DataFile): RevlogError =>
  new RevlogError('E_STATE_DIR_VANISHED', `${path} was deleted or replaced while it was in use`, {
    at: { file: path },
    remedy: 'start again; leave the directory alone while a process uses it',
  })

function openDatabase(root: RootDatabase<Buffer, BinaryKey>, name: string, most: number) {
  try {
    return root.openDB<Buffer, BinaryKey>({ name, ...FORMAT })
  } catch (thrown) {
    if (!messageOf(thrown).includes('MDB_DBS_FULL')) throw thrown
    throw new RevlogError(
      'E_STATE_TOO_MANY_STORES',
      `there is room for ${most} databases, ${name} is one more`,
      {
        cause: thrown,
        remedy: 'allow more (maxDatabases): one for each store and partition, and one for each task',
      },
    )
  }
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
