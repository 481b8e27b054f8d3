import { chmodSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, RevlogError } from '../../core/errors.js'
import { type Environment, openEnvironment } from '../../state/lmdb/environment.js'
import type { Broker } from '../port.js'
import { createEmbeddedBroker } from './broker.js'
import { readHello } from './client.js'
import { describeHolder, type Holder, thisProcess } from './holder.js'
import { type Acquired, acquire } from './lock.js'
import { createLog, type EmbeddedLog } from './log.js'
import { createServer } from './server.js'

/** A directory that this process holds: the log, and the environment in which tasks keep their state beside it. */
export interface Directory {
  readonly path: string
  readonly holder: Holder
  readonly environment: Environment
  readonly log: EmbeddedLog
  /** The port over the log; other processes reach the same one through the directory's socket. */
  readonly broker: Broker
  /**
   * Everything that `run` writes to the log, the state and the positions happens, or nothing. Wakes who waits for
   * the records. It is durable once `environment.flushed()` has resolved. `bytes`: about how much it writes, if known.
   *
   * @throws RevlogError `E_STATE_DIR_VANISHED`, `E_STATE_DISK_FULL`, `E_STATE_IO`, and what `run` throws.
   */
  transaction<T>(run: () => T, bytes?: number): T
  /** Calls the listener after every transaction, whoever made it; returns what ends that. */
  onCommit(listener: () => void): () => void
  /** What producers hand over, for who answers it in the transaction in which it is written. */
  readonly arrivals: Arrivals
  close(): Promise<void>
}

export interface Arrivals {
  /** Whether there is something that nobody has written yet. */
  waiting(): boolean
  /** Inside a transaction: writes it. If the transaction fails, the same comes again, in the same places, in the next. */
  takeIn(): void
  /**
   * Calls the listener when there is something. When he says that he will take it in it is left to him for a moment.
   * Returns what ends that.
   */
  takenBy(told: () => boolean): () => void
}

export interface DirectoryOptions {
  /** How many stores and databases there may be. */
  readonly maxDatabases?: number
}

/**
 * Takes a directory for this process alone, and makes it where there is none. Other processes can use its log
 * meanwhile: see `connectDirectory`.
 *
 * @throws RevlogError `E_STATE_DIR_LOCKED` naming the holder, `E_STATE_DIR_NOT_WRITABLE`,
 * `E_STATE_FILE_DAMAGED`.
 * @example
 * const directory = await openDirectory('./data')
 * directory.transaction(() => directory.log.append(records))
 */
export async function openDirectory(path: string, options: DirectoryOptions = {}): Promise<Directory> {
  const opened = await openOrFind(path, options)
  if ('directory' in opened) return opened.directory
  const holder = await readHello(opened.holder)
  opened.holder.destroy()
  throw new RevlogError('E_STATE_DIR_LOCKED', `${path} is held by ${describeHolder(holder)}`, {
    remedy: 'end that process or use another directory; `revlog produce` and `revlog consume` work beside it',
  })
}

/** The directory, or a connection to the process that holds it. */
export async function openOrFind(
  path: string,
  { maxDatabases }: DirectoryOptions,
): Promise<{ readonly directory: Directory } | Exclude<Acquired, { readonly lock: unknown }>> {
  const holder = thisProcess(Date.now())
  const server = createServer(holder)
  const real = makeDirectory(path)
  let acquired: Acquired
  try {
    acquired = await acquire(real, server.serve)
  } catch (thrown) {
    throw thrown instanceof RevlogError ? thrown : notWritable(path, thrown)
  }
  if ('holder' in acquired) return acquired
  const { lock } = acquired
  const release = async (): Promise<void> => {
    server.close()
    await lock.release()
  }
  try {
    const environment = openEnvironment(real, {
      durability: 'durable',
      ...(maxDatabases === undefined ? {} : { maxDatabases }),
    })
    const log = createLog(environment)
    const listeners = new Set<() => void>()
    const transaction = guardedTransactions(real, environment, {
      begin: () => broker.begin(),
      end: () => broker.takeAlong(),
      settled(committed) {
        broker.settle(committed)
        if (committed) for (const listener of listeners) listener()
      },
    })
    const onCommit = (listener: () => void) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
    const broker = createEmbeddedBroker(log, { transaction, flushed: environment.flushed })
    server.ready(broker)
    const close = async (): Promise<void> => {
      await broker.close()
      server.close()
      await environment.close()
      await lock.release()
    }
    return {
      directory: {
        ...{ path: real, holder, environment, log, broker, transaction, onCommit, close },
        arrivals: broker,
      },
    }
  } catch (thrown) {
    await release()
    throw thrown
  }
}

/** Readable by its owner alone: records are nobody else's business. */
export function makeDirectory(path: string): string {
  try {
    const made = mkdirSync(path, { recursive: true, mode: 0o700 })
    if (made !== undefined) chmodSync(path, 0o700)
    return realpathSync(path)
  } catch (thrown) {
    throw notWritable(path, thrown)
  }
}

const notWritable = (path: string, cause: unknown): RevlogError =>
  new RevlogError('E_STATE_DIR_NOT_WRITABLE', `cannot work in ${path}: ${messageOf(cause)}`, {
    remedy: 'use a directory on a local disk that this user may write to',
    cause,
  })

interface Guest {
  readonly begin: () => void
  readonly end: () => void
  readonly settled: (committed: boolean) => void
}

/**
 * Transactions that notice a directory that was removed: LMDB says nothing and writes on, into a file that nobody
 * will find again. The guest has a part in each of them.
 */
function guardedTransactions(
  path: string,
  environment: Environment,
  { begin, end, settled }: Guest,
): Directory['transaction'] {
  const file = join(path, 'data.mdb')
  const inode = statSync(file).ino
  let depth = 0
  return (run, bytes) => {
    if (depth > 0) return run()
    let result: ReturnType<typeof run>
    let committed = false
    depth++
    try {
      result = environment.transaction(() => {
        begin()
        const value = run()
        end()
        if (statSync(file, { throwIfNoEntry: false })?.ino !== inode) throw vanished(path)
        return value
      }, bytes)
      committed = true
    } finally {
      depth--
      settled(committed)
    }
    return result
  }
}

const vanished = (path: string): RevlogError =>
  new RevlogError('E_STATE_DIR_VANISHED', `${path} was removed or replaced while it was in use`, {
    remedy: 'nothing of this commit was kept; put the directory back, or start again without it',
  })
