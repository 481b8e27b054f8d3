import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { BenchOptions } from './benchmarks.js'
import type { Result } from './result.js'

/** What a program prints; what it says on standard error is passed on. */
export function outputOf(command: string, args: readonly string[], env = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    child.on('error', reject)
    child.on('close', (status) => {
      if (status === 0) resolve(output)
      else reject(new Error(`${command} ${args.join(' ')} ended with ${status}\n${output}`))
    })
  })
}

/**
 * Young objects get more room than Node gives them by default: half of what a stream processor makes is dropped before
 * the next commit, and with 16 MiB much of it is copied on first. `docs/operations.md` tells users to do the same.
 */
const NODE_FLAGS = ['--max-semi-space-size=32']

/** How Node runs one of our programs: the arguments. */
export const programArguments = (program: string, args: readonly string[]): readonly string[] => [
  ...NODE_FLAGS,
  join(import.meta.dirname, program),
  ...args,
]

/** Runs one of our programs in a process of its own; resolves with what it prints. */
export const runProgram = (program: string, args: readonly string[]): Promise<string> =>
  outputOf(process.execPath, programArguments(program, args))

/** @param profiles a folder for a CPU profile of it */
export async function runChild(name: string, options: BenchOptions, profiles?: string): Promise<Result> {
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const args = [...profiling, ...programArguments('child.js', [name, JSON.stringify(options)])]
  const output = await outputOf(process.execPath, args)
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as Result
}
