import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal, pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { messageOf, RevlogError } from '../../core/errors.js'

/** A file or standard input, unpacked. */
export interface ByteSource {
  /** For messages: the path as it was given, or `standard input`. */
  readonly name: string
  /** Of the file as it lies there; `undefined` where nobody knows. */
  readonly size: number | undefined
  /** How many bytes of `size` have been read. */
  readonly read: () => number
  readonly chunks: AsyncIterable<Buffer>
}

/**
 * Opens a path, or standard input for `-`. What begins with gzip's magic bytes is unpacked, whatever its name.
 * An aborted signal ends the bytes there: a pipe may have none for hours.
 */
export async function openBytes(path: string, stop: AbortSignal): Promise<ByteSource> {
  const name = path === '-' ? 'standard input' : path
  const size = path === '-' ? undefined : await sizeOf(path)
  let read = 0
  async function* raw(): AsyncGenerator<Buffer> {
    const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 })
    for await (const chunk of addAbortSignal(stop, stream)) {
      read += (chunk as Buffer).length
      yield chunk as Buffer
    }
  }
  return { name, size, read: () => read, chunks: untilStopped(unpacked(name, raw()), stop) }
}

async function* untilStopped(chunks: AsyncIterable<Buffer>, stop: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } catch (thrown) {
    if (!stop.aborted) throw thrown
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
      throw new RevlogError('E_FILE_NOT_FOUND', `there is no file ${path}`, {
        remedy: 'check the path; "-" stands for standard input',
        cause,
      })
    }
    throw unreadable(path, cause)
  })
  if (found.isDirectory()) {
    throw new RevlogError('E_FILE_UNREADABLE', `${path} is a directory`, { remedy: 'name a file in it' })
  }
  return found.isFile() ? found.size : undefined
}

async function* unpacked(name: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    const head = await firstBytes(chunks)
    if (head === undefined) return
    const all = prepended(head, chunks)
    if (head[0] !== 0x1f || head[1] !== 0x8b) yield* all
    else yield* pipeline(Readable.from(all, { objectMode: false }), createGunzip(), () => {})
  } catch (thrown) {
    throw unreadable(name, thrown)
  }
}

/** The first two bytes or more, if there are that many: a pipe may deliver one. */
async function firstBytes(chunks: AsyncGenerator<Buffer>): Promise<Buffer | undefined> {
  let head: Buffer | undefined
  while (head === undefined || head.length < 2) {
    const next = await chunks.next()
    if (next.done === true) break
    head = head === undefined ? next.value : Buffer.concat([head, next.value])
  }
  return head
}

async function* prepended(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield head
  yield* rest
}

function unreadable(name: string, thrown: unknown): RevlogError {
  if (thrown instanceof RevlogError) return thrown
  const code = (thrown as NodeJS.ErrnoException).code ?? ''
  if (code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR') {
    const what = code === 'Z_BUF_ERROR' ? 'ends in the middle' : 'is damaged'
    return new RevlogError('E_GZIP', `the gzip file ${name} ${what}`, {
      remedy: 'copy it again; `gzip -t` checks it',
      cause: thrown,
    })
  }
  return new RevlogError('E_FILE_UNREADABLE', `${name} cannot be read: ${messageOf(thrown)}`, {
    remedy: 'check that it is a file that you may read',
    cause: thrown,
  })
}
