import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { StepName } from '../../../lib/service/protocol/ports.js'
import { run } from '../jars.js'
import type { Failpoint, MemberAnswer, MemberCommand, MemberSetup } from './member.js'

const PROGRAM = fileURLToPath(new URL('./member.js', import.meta.url))
/** A member that finds no broker when it starts says so and ends; what runs services starts it again. */
const NO_BROKER = 3
const AGAIN_MS = 300
const LOOK_MS = 100

/** One place for a member: its directory outlives its processes. */
export interface Supervised {
  /** Resolves when it takes records; starts it again as long as it finds no broker. */
  start(armed?: Failpoint): Promise<void>
  readonly alive: () => boolean
  kill9(): Promise<void>
  /** SIGTERM. Resolves with the exit code. */
  terminate(): Promise<number | null>
  freeze(): void
  thaw(): void
  /** Resolves with the step's name when the process has killed itself there, else, after a while, with `undefined`. */
  killedAt(failpoint: Failpoint, waitMs: number): Promise<StepName | undefined>
  /** The same for one that freezes itself. */
  frozenAt(failpoint: Failpoint, waitMs: number): Promise<StepName | undefined>
  /** The tasks it has, once everything in their topics is answered; `undefined` when it ended before. */
  rest(): Promise<readonly string[] | undefined>
  /** Why it has ended, when nobody ended it. */
  readonly failure: () => string | undefined
  /** The end of what its processes said. */
  readonly said: () => string
}

export function supervise(setup: MemberSetup, logFile: string): Supervised {
  let child: ChildProcess | undefined
  let expected = false
  let armed: Failpoint | undefined
  /** Processes that may still kill themselves: they were told to, and have not said that they were told not to. */
  const doomed = new Set<ChildProcess>()
  let failure: string | undefined
  let round = 0

  const alive = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null
  const said = (): string => readFileSync(logFile, 'utf8').slice(-6_000)

  /** Resolves when it runs; with false when it has ended before. */
  async function launch(): Promise<boolean> {
    expected = false
    const out = openSync(logFile, 'a')
    const own = fork(PROGRAM, [JSON.stringify({ ...setup, armed })], {
      stdio: ['ignore', out, out, 'ipc'],
    })
    closeSync(out)
    child = own
    if (armed?.how === 'kill') doomed.add(own)
    own.on('exit', (code, signal) => {
      const byItself = signal === 'SIGKILL' && doomed.has(own)
      if (!expected && !byItself && code !== NO_BROKER) {
        failure ??= `a member ended by itself (${signal ?? code})`
      }
    })
    return new Promise((resolve) => {
      own.once('message', () => resolve(true))
      own.once('exit', () => resolve(false))
    })
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const own = child
    if (own === undefined || !alive()) return own?.exitCode ?? null
    expected = true
    const exited = once(own, 'exit')
    own.kill(signal)
    await exited
    return own.exitCode
  }

  /** Takes a failpoint back. False when the process has ended before it heard of that. */
  async function disarm(own: ChildProcess): Promise<boolean> {
    let heard = false
    own.on('message', (told: MemberAnswer) => {
      heard ||= 'armed' in told && !told.armed
    })
    own.send({ disarm: true } satisfies MemberCommand, () => {})
    while (!heard && own.exitCode === null && own.signalCode === null) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    return heard
  }

  return {
    alive,
    said,
    failure: () => failure,
    async start(first) {
      armed = first
      while (!(await launch())) {
        if (child!.exitCode !== NO_BROKER) return
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    },
    async kill9() {
      await end('SIGKILL')
    },
    terminate: () => end('SIGTERM'),
    freeze() {
      child?.kill('SIGSTOP')
    },
    thaw() {
      child?.kill('SIGCONT')
    },
    async killedAt(failpoint, waitMs) {
      const own = child
      if (own === undefined) return undefined
      if (armed !== failpoint) {
        armed = failpoint
        doomed.add(own)
        own.send({ arm: failpoint } satisfies MemberCommand, () => {})
      }
      const exited = new Promise<void>((resolve) => {
        if (!alive()) resolve()
        else own.once('exit', resolve)
      })
      let timer: NodeJS.Timeout | undefined
      await Promise.race([
        exited,
        new Promise((resolve) => {
          timer = setTimeout(resolve, waitMs)
        }),
      ])
      clearTimeout(timer)
      if (own.signalCode === 'SIGKILL' && !expected) return failpoint.step
      // One that found no broker is being started again, and would die when nobody expects it.
      armed = undefined
      const last = child!
      const heard = await disarm(last)
      if (heard) doomed.delete(last)
      return !heard && last.signalCode === 'SIGKILL' && !expected ? failpoint.step : undefined
    },
    async frozenAt(failpoint, waitMs) {
      const own = child
      if (own === undefined) return undefined
      armed = failpoint
      own.send({ arm: failpoint } satisfies MemberCommand, () => {})
      for (const until = Date.now() + waitMs; Date.now() < until && alive(); ) {
        if ((await run('ps', ['-o', 'stat=', '-p', String(own.pid)])).said.startsWith('T'))
          return failpoint.step
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
      armed = undefined
      let disarmed = false
      own.on('message', (told: MemberAnswer) => {
        disarmed ||= 'armed' in told && !told.armed
      })
      own.send({ disarm: true } satisfies MemberCommand, () => {})
      // It may get there before it hears of it.
      while (alive() && !disarmed) {
        own.kill('SIGCONT')
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
      return undefined
    },
    rest() {
      const own = child!
      const id = ++round
      return new Promise((resolve) => {
        const finish = (tasks: readonly string[] | undefined): void => {
          own.off('message', hear)
          own.off('exit', ended)
          resolve(tasks)
        }
        const hear = (told: MemberAnswer): void => {
          if ('rested' in told && told.rested === id) finish(told.tasks)
        }
        const ended = (): void => finish(undefined)
        own.on('message', hear)
        own.once('exit', ended)
        if (alive()) own.send({ rest: id } satisfies MemberCommand, () => {})
        else finish(undefined)
      })
    },
  }
}
