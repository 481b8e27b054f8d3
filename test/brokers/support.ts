import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LogRecord, ProducerRecord } from '../../lib/core/record.js'

/** Numbers that a seed decides (mulberry32): the same in every run. */
export function createRandom(seed: number): { below(n: number): number; chance(p: number): boolean } {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return { below: (n) => Math.floor(next() * n), chance: (p) => next() < p }
}

/** Directories that are removed after the test. */
export function temporaryDirectories(): { make(): string; remove(): void } {
  const made: string[] = []
  return {
    make() {
      const directory = mkdtempSync(join(tmpdir(), 'revlog-test-'))
      made.push(directory)
      return directory
    },
    remove() {
      for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
    },
  }
}

export function record(topic: string, fields: Partial<Omit<ProducerRecord, 'topic'>> = {}): ProducerRecord {
  return { topic, partition: 0, key: undefined, value: undefined, timestamp: 0, headers: [], ...fields }
}

/** A record as text, so that whole lists compare and failures can be read. */
export function show({ offset, timestamp, key, value, headers }: LogRecord): string {
  const text = (bytes: Buffer | undefined): string => {
    if (bytes === undefined) return '∅'
    if (bytes.length > 100) return `${bytes.length} bytes ${createHash('md5').update(bytes).digest('hex')}`
    return `"${bytes.toString('latin1')}"`
  }
  const shown = headers.map((header) => `${header.key}=${text(header.value)}`)
  return [offset, timestamp, text(key), text(value), ...shown].join(' ')
}

export interface Child {
  readonly process: ChildProcess
  /** The next line that it prints; `undefined` when it has ended. */
  line(): Promise<string | undefined>
  readonly exited: Promise<number | NodeJS.Signals>
  kill(): Promise<void>
}

/** Starts a program of `test/brokers/children` as a process of its own. */
export function startChild(name: string, ...args: readonly string[]): Child {
  const program = fileURLToPath(new URL(`./children/${name}.js`, import.meta.url))
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 0))
  })
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next()
      return done === true ? undefined : value
    },
    exited,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
