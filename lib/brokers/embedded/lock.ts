import { randomUUID } from 'node:crypto'
import { chmodSync, linkSync, readdirSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { RevlogError } from '../../core/errors.js'
import { pipeName, withSocketPath } from './socket-path.js'

/**
 * The lock of a directory is a listening socket: who can be connected to is alive, and when a process dies, however,
 * the kernel stops listening for it. No text in a file can be that sure: process ids come back, and in containers
 * every process is number 1.
 *
 * A socket's file stays behind when its process dies, and replacing it must have one winner among any number of
 * starters. So the files are numbered, `holder-1.sock`, `holder-2.sock` …, and the greatest one counts:
 *
 *     1. listen under a name of one's own
 *     2. find the greatest number n; when something listens there, it holds the directory
 *     3. link one's own socket to number n + 1; the file system lets one of several starters do that
 *     4. when there is a greater number now, n was old news: undo the link and begin again
 *     5. the directory is held; lower numbers are removed
 *
 * A number appears only when the one below it is dead, already listening, and is removed only by the holder of a
 * greater one; so the greatest never goes back and two holders would each have had to see the other dead. That is
 * also why a holder leaves its file behind when it closes.
 */
export interface Lock {
  /** Stops listening, once every connection has ended. */
  release(): Promise<void>
}

export type Acquired = { readonly lock: Lock } | { readonly holder: Socket }

const NUMBERED = /^holder-(\d+)\.sock$/
const UNNUMBERED = /^starting-.*\.sock$/
const nameOf = (n: number): string => `holder-${n}.sock`
const ATTEMPTS = 100

/** Takes the lock, or gives a connection to the process that has it. `onConnection` is served from the first moment. */
export async function acquire(directory: string, onConnection: (socket: Socket) => void): Promise<Acquired> {
  if (process.platform === 'win32') return acquirePipe(directory, onConnection)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const holder = await findHolder(directory)
    if (typeof holder !== 'number') return { holder }
    const lock = await claim(directory, holder + 1, onConnection)
    if (lock !== undefined) return { lock }
  }
  throw new RevlogError('E_STATE_DIR_LOCKED', `${directory} changes hands all the time`, {
    remedy: 'see which processes start over and over in it',
  })
}

/** A connection to the process that holds the directory, or `undefined` when none does. */
export async function connectToHolder(directory: string): Promise<Socket | undefined> {
  if (process.platform === 'win32') return connectTo(pipeName(directory))
  const holder = await findHolder(directory)
  return typeof holder === 'number' ? undefined : holder
}

/** The holder, or the greatest number that somebody has held before; 0 when nobody has. */
async function findHolder(directory: string): Promise<Socket | number> {
  const greatest = Math.max(0, ...numbersIn(directory))
  if (greatest === 0) return 0
  const socket = await withSocketPath(directory, nameOf(greatest), connectTo)
  return socket ?? greatest
}

const numbersIn = (directory: string): number[] =>
  readdirSync(directory).flatMap((name) => {
    const match = NUMBERED.exec(name)
    return match === null ? [] : [Number(match[1])]
  })

async function claim(
  directory: string,
  number: number,
  onConnection: (socket: Socket) => void,
): Promise<Lock | undefined> {
  const own = join(directory, `starting-${randomUUID().slice(0, 8)}.sock`)
  const claimed = join(directory, nameOf(number))
  const server = createServer(onConnection)
  await withSocketPath(directory, own.slice(directory.length + 1), (path) => listen(server, path))
  try {
    chmodSync(own, 0o600)
    linkSync(own, claimed)
  } catch (thrown) {
    await close(server)
    // EEXIST: another starter was faster. ENOENT: the holder took this one for a starter that had died.
    if (isCode(thrown, 'EEXIST') || isCode(thrown, 'ENOENT')) return undefined
    throw thrown
  } finally {
    removeFile(own)
  }
  const others = numbersIn(directory)
  if (others.some((n) => n > number)) {
    removeFile(claimed)
    await close(server)
    return undefined
  }
  for (const n of others) if (n < number) removeFile(join(directory, nameOf(n)))
  for (const name of readdirSync(directory)) if (UNNUMBERED.test(name)) removeFile(join(directory, name))
  return { release: () => close(server) }
}

async function acquirePipe(directory: string, onConnection: (socket: Socket) => void): Promise<Acquired> {
  const name = pipeName(directory)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = createServer(onConnection)
    try {
      await listen(server, name)
      return { lock: { release: () => close(server) } }
    } catch (thrown) {
      if (!isCode(thrown, 'EADDRINUSE')) throw thrown
    }
    const holder = await connectTo(name)
    if (holder !== undefined) return { holder }
  }
  throw new RevlogError('E_STATE_DIR_LOCKED', `${directory} changes hands all the time`)
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

/** `undefined` when nothing listens there. */
const connectTo = (path: string): Promise<Socket | undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    const failed = (error: Error): void => {
      if (isCode(error, 'ECONNREFUSED') || isCode(error, 'ENOENT')) resolve(undefined)
      else reject(unreachable(error))
    }
    socket.once('error', failed)
    socket.once('connect', () => {
      // Whoever uses it sees that it has closed; an error without a listener would end the process.
      socket.off('error', failed).on('error', () => {})
      resolve(socket)
    })
  })

const unreachable = (cause: Error): RevlogError =>
  new RevlogError(
    'E_STATE_DIR_LOCKED',
    `the process that holds the directory cannot be asked: ${cause.message}`,
    {
      remedy: "it may be another user's, or stopped: look for it with ps",
      cause,
    },
  )

function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (thrown) {
    if (!isCode(thrown, 'ENOENT')) throw thrown
  }
}

export const isCode = (thrown: unknown, code: string): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === code
