import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ServiceEvent } from '../../../lib/service/events.js'
import type { CountingSetup, CountingTold } from '../children/counting-member.js'
import { until } from '../group/members.js'

const PROGRAM = fileURLToPath(new URL('../children/counting-member.js', import.meta.url))

export interface CountingMember {
  readonly child: ChildProcess
  readonly told: readonly CountingTold[]
  /** Everything of one kind that it has told. */
  events<K extends ServiceEvent['kind']>(kind: K): readonly (ServiceEvent & { readonly kind: K })[]
  /** Its tasks by the last assignment. */
  readonly tasks: () => readonly string[]
  kill9(): Promise<void>
}

const running = new Set<ChildProcess>()

/** @param execArgv for Node */
export function startCounting(setup: CountingSetup, execArgv: readonly string[] = []): CountingMember {
  const child = fork(PROGRAM, [JSON.stringify(setup)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [...execArgv],
    env: { ...process.env, REVLOG_TEST_NAME: setup.name },
  })
  running.add(child)
  const told: CountingTold[] = []
  child.on('message', (message) => told.push(message as CountingTold))
  const events: CountingMember['events'] = (kind) =>
    told.flatMap((t) => ('event' in t && t.event.kind === kind ? [t.event as never] : []))
  return {
    child,
    told,
    events,
    tasks: () => events('assigned').at(-1)?.tasks ?? [],
    kill9: () => end(child),
  }
}

/** To be called after each test: no member outlives it. */
export async function killCounting(): Promise<void> {
  for (const child of running) await end(child)
  running.clear()
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** These members, and nobody else, have so many tasks, each once. */
export const shared = (members: readonly CountingMember[], tasks: number): Promise<unknown> =>
  until(`${members.length} members have ${tasks} tasks`, () => {
    const all = members.flatMap((member) => member.tasks())
    return members.every((m) => m.tasks().length > 0) && all.length === tasks && new Set(all).size === tasks
  })
