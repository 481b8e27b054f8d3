import { RevlogError } from '../../../lib/core/errors.js'
import { runOnKafka } from '../../../lib/service/kafka/run.js'
import { type RunOptions, settingsOf } from '../../../lib/service/options.js'
import type { StepName } from '../../../lib/service/protocol/ports.js'
import { applications } from '../../service/protocol/sim-application.js'

/**
 * A member of an application, in a process of its own: so that kill -9, SIGSTOP and the exit code are real. It writes
 * what happens to it to its standard output, one JSON object a line.
 */
export interface MemberSetup {
  readonly prefix: string
  readonly application: 'counter' | 'asOf' | 'aggregate'
  readonly brokers: string
  readonly directory: string
  readonly guarantee: NonNullable<RunOptions['processingGuarantee']>
  readonly sessionTimeoutMs: number
  readonly commitIntervalMs: number
  /** Where it kills itself, from the start. */
  readonly armed?: Failpoint | undefined
}

/** The n-th time that a step is reached from now on. */
export interface Failpoint {
  readonly step: StepName
  readonly n: number
  /** It kills itself there, or stands still, until somebody wakes it up. */
  readonly how: 'kill' | 'freeze'
}

export type MemberCommand =
  | { readonly arm: Failpoint }
  | { readonly disarm: true }
  | { readonly rest: number }

export type MemberAnswer =
  | { readonly running: true }
  | { readonly armed: boolean }
  /** Everything that was in the topics of its tasks is answered. */
  | { readonly rested: number; readonly tasks: readonly string[] }

/** How long a broker may leave a request unanswered: swallowed responses must not make a test long. */
const REQUEST_TIMEOUT_MS = 3_000

const SIGNAL_MS = 20
const RESTLESS_MS = 10_000

const setup = JSON.parse(process.argv[2]!) as MemberSetup
const say = (event: object): void => {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...event })}\n`)
}
const answer = (told: MemberAnswer): void => {
  process.send?.(told, () => {})
}

let armed = setup.armed
let reached = 0
function step(name: StepName): void {
  if (armed?.step !== name || ++reached < armed.n) return
  const { how } = armed
  armed = undefined
  const signal = how === 'kill' ? 'SIGKILL' : 'SIGSTOP'
  process.kill(process.pid, signal)
  // Nothing more is done, however long the signal takes.
  for (const until = Date.now() + SIGNAL_MS; how === 'kill' || Date.now() < until; );
}

let tasks: readonly string[] = []
const topology = applications(setup.prefix)[setup.application]
const settings = settingsOf(topology, {
  brokers: setup.brokers,
  directory: setup.directory,
  processingGuarantee: setup.guarantee,
  sessionTimeout: setup.sessionTimeoutMs as NonNullable<RunOptions['sessionTimeout']>,
  commitInterval: setup.commitIntervalMs as NonNullable<RunOptions['commitInterval']>,
  onEvent(event) {
    if (event.kind === 'assigned') tasks = event.tasks
    if (event.kind === 'lost') tasks = []
    if (event.kind === 'restoring') return
    const error = event.kind === 'retrying' || event.kind === 'paused' ? String(event.error) : undefined
    say(error === undefined ? event : { ...event, error })
  },
})

let stopping = false
let stop = (): void => {}
process.on('SIGTERM', () => {
  stopping = true
  stop()
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit(2))

try {
  const kafka = settings.kafka!
  const client = { ...kafka.client, requestTimeoutMs: REQUEST_TIMEOUT_MS }
  const service = await runOnKafka(topology, settings, { ...kafka, client }, step)
  stop = () => void service.stop().catch(() => {})
  if (stopping) stop()
  process.on('message', (command: MemberCommand) => {
    if (!('rest' in command)) {
      armed = 'arm' in command ? command.arm : undefined
      reached = 0
      answer({ armed: armed !== undefined })
      return
    }
    const late = setTimeout(() => {
      say({ kind: 'restless', lag: service.lag(), tasks, running: [...service.metrics().tasks.keys()] })
    }, RESTLESS_MS)
    const before = tasks
    service
      .caughtUp()
      .then(
        // What was assigned meanwhile was not looked at.
        () => answer({ rested: command.rest, tasks: tasks === before ? tasks : [] }),
        () => {},
      )
      .finally(() => clearTimeout(late))
  })
  answer({ running: true })
  await service.finished
  say({ kind: 'stopped' })
  process.exit(0)
} catch (thrown) {
  const code = thrown instanceof RevlogError ? thrown.code : undefined
  say({ kind: 'failed', code, error: String(thrown), stack: (thrown as Error).stack })
  process.exit(code === 'E_BROKER_UNREACHABLE' ? 3 : 1)
}
