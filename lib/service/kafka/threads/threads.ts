import type { TaskId } from '../../../brokers/kafka/group/member.js'
import { RevlogError } from '../../../core/errors.js'
import type { ServiceEvent } from '../../events.js'
import type { KafkaSettings, Settings } from '../../options.js'
import type { EngineRoom, RoomMember } from '../engine-room.js'
import type { Found } from '../lay-out.js'
import type { MainCalls, PortableEvent } from './messages.js'
import { placeTasks } from './place-tasks.js'
import { decodeError } from './portable-error.js'
import { addReports, type PortableReport } from './portable-report.js'
import type { PortableSettings } from './portable-settings.js'
import { type RoomThread, startThread } from './room-thread.js'

export interface ThreadsOptions {
  readonly file: string
  readonly settings: Settings
  readonly kafka: KafkaSettings
  /** The same, as they are sent. */
  readonly portable: PortableSettings
  readonly found: Found
  /** All that there are. */
  readonly tasks: readonly TaskId[]
  readonly member: () => RoomMember
  readonly onFailure: (error: unknown) => void
}

interface Tasks {
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
}

interface Crew {
  readonly thread: RoomThread
  /** What it is meant to run. */
  placed: Tasks
  /** What it was told to run: of `placed`, what no other thread has open any more. */
  told: Tasks
  /** Of the last order. */
  number: number
  /** Tasks whose state may be open there. */
  using: ReadonlySet<TaskId>
  report: PortableReport | undefined
}

const NOTHING: Tasks = { active: [], standby: [] }
const LOOK_MS = 20

/**
 * Several threads, each with an engine room, as one room. A task stays with its thread as long as balance allows; one
 * that moves to another begins there when the first has closed its state.
 *
 * @throws what keeps a thread from starting
 */
export async function openThreads(options: ThreadsOptions): Promise<EngineRoom> {
  const { file, found, settings, kafka, member } = options
  const homes = new Map<TaskId, number>()
  let generation: number | undefined
  let stopping = false
  let failure: { readonly error: unknown } | undefined

  const fail = (error: unknown): void => {
    failure ??= { error }
    stop()
    options.onFailure(failure.error)
  }
  const stop = (): void => {
    stopping = true
    for (const { thread } of crews) thread.tell('stop')
  }

  const crews: readonly Crew[] = Array.from({ length: kafka.threads }, (_, index): Crew => {
    const here: MainCalls = {
      commit: (offsets, of) => member().commit(offsets, of),
      stillMember: (of) => member().stillMember(of),
      token: () => tokenOf(kafka),
      event: (event) => settings.onEvent(eventOf(event)),
      failed: (error) => fail(decodeError(error)),
      report(report) {
        crews[index]!.report = report
      },
      using(number, tasks) {
        const crew = crews[index]!
        if (number !== crew.number) return
        crew.using = tasks
        order(false)
      },
    }
    const thread = startThread({ file, found, ...options.portable }, index, options.tasks, here, fail)
    return { thread, placed: NOTHING, told: NOTHING, number: 0, using: new Set(), report: undefined }
  })

  /** Tells each thread what it may run by now; those for which nothing is new only if all are to hear. */
  function order(all: boolean): void {
    if (generation === undefined) return
    for (const crew of crews) {
      const free = (task: TaskId): boolean => crews.every((other) => other === crew || !other.using.has(task))
      const next = { active: crew.placed.active.filter(free), standby: crew.placed.standby.filter(free) }
      if (!all && sizeOf(next) === sizeOf(crew.told)) continue
      crew.told = next
      crew.number++
      crew.using = new Set([...crew.using, ...next.active, ...next.standby])
      crew.thread.tell('assign', { ...next, number: crew.number, generation, memberId: member().memberId() })
    }
  }

  const until = async (ready: () => boolean): Promise<void> => {
    while (!stopping && !ready()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  const close = async (): Promise<void> => {
    await Promise.all(crews.map(({ thread }) => thread.close()))
  }

  try {
    await Promise.all(crews.map(({ thread }) => thread.call('ready')))
  } catch (thrown) {
    await close()
    throw thrown
  }
  const finished = Promise.all(crews.map(({ thread }) => thread.call('finished').catch(fail))).then(() => {
    if (failure !== undefined) throw failure.error
  })
  finished.catch(() => {})

  return {
    assign({ active, standby }, of) {
      generation = of
      const running = placeTasks(active, crews.length, homes)
      const copies = placeTasks(standby, crews.length, homes)
      for (const [index, crew] of crews.entries()) {
        crew.placed = { active: running[index]!, standby: copies[index]! }
        for (const task of [...running[index]!, ...copies[index]!]) homes.set(task, index)
      }
      order(true)
    },
    dropAll() {
      generation = undefined
      for (const crew of crews) {
        crew.placed = { ...crew.placed, active: [] }
        crew.told = { ...crew.told, active: [] }
        crew.thread.tell('dropAll', ++crew.number)
      }
    },
    async settle() {
      await Promise.all(crews.map(({ thread }) => thread.call('settle').catch(() => {})))
    },
    async reachEnds() {
      await until(() => crews.every(({ placed, told }) => sizeOf(placed) === sizeOf(told)))
      const reached = await Promise.all(crews.map(({ thread }) => thread.call('reachEnds').catch(whenOver)))
      return reached.every(Boolean)
    },
    inUse: () =>
      new Set(crews.flatMap(({ placed, using }) => [...using, ...placed.active, ...placed.standby])),
    report: () => addReports(crews.flatMap(({ report }) => report ?? [])),
    stop,
    finished,
    abort() {
      for (const { thread } of crews) thread.tell('abort')
    },
    close,
  }

  function whenOver(error: unknown): false {
    if (stopping) return false
    throw error
  }
}

/** It only ever has fewer tasks than it is meant to have, so their number tells whether it has all. */
const sizeOf = ({ active, standby }: Tasks): number => active.length + standby.length

async function tokenOf({ client: { sasl } }: KafkaSettings): Promise<{ readonly value: string }> {
  if (sasl === undefined || !('oauthBearerProvider' in sasl)) {
    throw new RevlogError('E_AUTH', `there is nobody to give tokens`)
  }
  const { value } = await sasl.oauthBearerProvider()
  return { value }
}

const eventOf = (event: PortableEvent): ServiceEvent => {
  if (event.kind === 'retrying') return { ...event, error: decodeError(event.error) }
  if (event.kind === 'paused') return { ...event, error: decodeError(event.error) as RevlogError }
  return event
}
