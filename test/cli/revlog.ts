import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package: dist/test/cli lies three folders below it. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
export const BIN = join(ROOT, 'dist/lib/cli/main.js')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A folder of a stranger who has installed revlog, and the command in it: the real one, as a process. */
export interface Folder {
  readonly path: string
  /** What lies in the folder for temporary files that the command is given. */
  readonly temporary: () => readonly string[]
  readonly write: (name: string, content: string | Buffer) => string
  /** Runs to its end. */
  readonly revlog: (
    words: readonly string[],
    input?: string | Buffer,
    env?: NodeJS.ProcessEnv,
  ) => Promise<Ended>
  readonly start: (words: readonly string[], env?: NodeJS.ProcessEnv) => Running
  /** Ends what still runs and removes the folder. */
  readonly remove: () => Promise<void>
}

export interface Running {
  readonly process: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** Resolves when what was written to standard output or error contains the text. */
  readonly says: (text: string) => Promise<void>
  readonly ended: Promise<Ended>
}

export function strangersFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'revlog-cli-'))
  mkdirSync(join(path, 'node_modules'))
  mkdirSync(join(path, 'tmp'))
  symlinkSync(ROOT, join(path, 'node_modules/revlog'))
  writeFileSync(join(path, 'package.json'), '{"type":"module"}')
  const running = new Set<Running>()

  function start(words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const child = spawn(process.execPath, [BIN, ...words], {
      cwd: path,
      env: { ...process.env, TMPDIR: join(path, 'tmp'), ...env },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    const ended = once(child, 'close').then((args): Ended => {
      running.delete(one)
      return { code: args[0] as number | null, out, err }
    })
    const one: Running = {
      process: child,
      out: () => out,
      err: () => err,
      async says(text) {
        while (!out.includes(text) && !err.includes(text)) {
          if (!running.has(one)) throw new Error(`it ended without saying ${text}: ${out}${err}`)
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
      },
      ended,
    }
    running.add(one)
    return one
  }
  return {
    path,
    temporary: () => readdirSync(join(path, 'tmp')),
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      writeFileSync(join(path, name), content)
      return name
    },
    async revlog(words, input, env) {
      const { process: child, ended } = start(words, env)
      child.stdin?.on('error', () => {}) // it may end without reading
      child.stdin?.end(input)
      return ended
    },
    start,
    async remove() {
      const left = [...running]
      for (const { process: child } of left) child.kill('SIGKILL')
      await Promise.all(left.map(({ ended }) => ended))
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Standard output as JSON lines. */
export const lines = (out: string): any[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
