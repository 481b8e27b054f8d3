import { RevlogError } from '../core/errors.js'

/**
 * Where a command writes. Standard output has results only; everything that is said to a person goes to standard
 * error. Results wait when their reader is slow, and end quietly when it is gone (`| head -1`).
 */
export interface Screen {
  /** A line of the result. Resolves when there is room for more. @throws OutputClosed */
  readonly result: (line: string) => Promise<void>
  /** A line for people, on standard error. */
  readonly say: (line: string) => void
  /** A line that the next one of its kind replaces, on a terminal; `undefined` takes it away. */
  readonly status: (line: string | undefined) => void
  /** Whether standard error is a terminal, on which lines can be replaced. */
  readonly live: boolean
  /** Everything said so far has left the process. */
  readonly flush: () => Promise<void>
}

/** The reader of standard output is gone: there is nobody to work for, and nothing is wrong. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}

/** As much as is kept before it is written: one system call for hundreds of lines. */
const CHUNK = 64 * 1024

export function createScreen(out: NodeJS.WriteStream, err: NodeJS.WriteStream): Screen {
  let closed = false
  let failure: Error | undefined
  let pending: string[] = []
  let size = 0
  let shown = false
  let roomAgain: () => void = () => {}
  out.on('drain', () => roomAgain())
  out.on('error', (error: NodeJS.ErrnoException) => {
    closed = true
    if (error.code !== 'EPIPE') {
      failure = new RevlogError('E_OUTPUT', `standard output cannot be written: ${error.message}`, {
        remedy: 'see where it goes: to a full disk, for instance',
        cause: error,
      })
    }
    roomAgain()
  })
  // Who reads what we say may go away too; that is no reason to stop working.
  err.on('error', () => {})
  const { TERM } = process.env
  const live = err.isTTY === true && TERM !== 'dumb'

  const check = (): void => {
    if (failure !== undefined) throw failure
    if (closed) throw new OutputClosed()
  }
  const send = async (): Promise<void> => {
    if (pending.length === 0) return
    const text = pending.join('')
    pending = []
    size = 0
    const room = new Promise<void>((resolve) => {
      roomAgain = resolve
    })
    if (!out.write(text) && !closed) await room
    check()
  }
  const clear = (): void => {
    if (shown) err.write('\r\u001b[2K')
    shown = false
  }
  return {
    live,
    async result(line) {
      check()
      pending.push(line, '\n')
      size += line.length
      if (size >= CHUNK) await send()
    },
    say(line) {
      clear()
      err.write(`${line}\n`)
    },
    status(line) {
      if (!live) return
      clear()
      if (line === undefined) return
      err.write(line.slice(0, (err.columns ?? 80) - 1))
      shown = true
    },
    async flush() {
      clear()
      if (closed) return
      await send()
      await new Promise<void>((resolve) => out.write('', () => resolve()))
      check()
    },
  }
}
