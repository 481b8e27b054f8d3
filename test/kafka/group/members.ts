import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Part, taskId } from '../../../lib/brokers/kafka/group/member.js'
import type { MemberCommand, MemberSetup, MemberTold } from '../children/group-member.js'

const PROGRAM = fileURLToPath(new URL('../children/group-member.js', import.meta.url))

export type Told = MemberTold & { readonly at: number }

/** A member in a process of its own. */
export interface TestMember {
  readonly process: ChildProcess
  /** Everything that it has said. */
  readonly told: readonly Told[]
  /** What it runs by its own account; `undefined` while it has no assignment. */
  readonly assignment: () => (Told & { readonly event: 'assigned' }) | undefined
  tell(command: MemberCommand): void
  /** Waits for what it says after the first `after` things. */
  next(event: MemberTold['event'], after?: number): Promise<Told>
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

const running = new Set<ChildProcess>()

/** To be called after each test: no member outlives it. */
export const killMembers = async (): Promise<void> => {
  for (const child of running) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  running.clear()
}

export function startMember(setup: MemberSetup): TestMember {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(setup)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.add(child)
  const told: Told[] = []
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line) as Told))
  return {
    process: child,
    told,
    assignment() {
      const last = told.findLast((t) => t.event === 'assigned' || t.event === 'lost' || t.event === 'error')
      return last?.event === 'assigned' ? last : undefined
    },
    tell(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`)
    },
    next: (event, after = 0) =>
      until(`the member says ${event}`, () => told.slice(after).find((t) => t.event === event)),
    kill: (signal) => void child.kill(signal),
  }
}

/** The first value that is there, looked for every 5 ms. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false,
  timeoutMs = 40_000,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`waited ${timeoutMs} ms in vain until ${what}`)
}

/** All these members, and nobody else, have the tasks, in one generation; resolves with the generation. */
export const settled = (members: readonly TestMember[], parts: readonly Part[]): Promise<number> =>
  until(`${members.length} members have all tasks`, () => {
    const assignments = members.map((m) => m.assignment())
    const generation = assignments[0]?.generation
    if (generation === undefined || assignments.some((a) => a?.generation !== generation)) return false
    const active = assignments.flatMap((a) => a!.active).sort()
    return JSON.stringify(active) === JSON.stringify(tasksOf(parts).sort()) && generation
  })

export const tasksOf = (parts: readonly Part[]): string[] =>
  parts.flatMap((part) => Array.from({ length: part.partitions }, (_, p) => taskId(part.name, p)))

/** In no generation a task was given to two members. */
export function assertNoSharedTask(members: readonly TestMember[]): void {
  const owners = new Map<string, number>()
  members.forEach((member, index) => {
    for (const told of member.told) {
      if (told.event !== 'assigned') continue
      for (const task of told.active) {
        const key = `${task} in generation ${told.generation}`
        assert.ok((owners.get(key) ?? index) === index, `two members have ${key}`)
        owners.set(key, index)
      }
    }
  })
}
