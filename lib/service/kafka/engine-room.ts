import { join } from 'node:path'
import type { Member, TaskAssignment, TaskId } from '../../brokers/kafka/group/member.js'
import type { Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { TopicAdmin } from '../../brokers/kafka/topic-admin.js'
import { type Coordinates, RevlogError } from '../../core/errors.js'
import { createMetrics, type MetricsSnapshot } from '../../core/metrics.js'
import { runLoop } from '../loop.js'
import type { Settings } from '../options.js'
import type { Step } from '../protocol/ports.js'
import { truncatedMeanwhile } from '../truncated.js'
import { createWake } from '../wake.js'
import { openChangelog } from './changelog-log.js'
import type { Layout } from './lay-out.js'
import { createLives } from './lives.js'
import { openTask, type TaskOpener } from './open-task.js'
import { createPrefetch } from './prefetch.js'
import { createSharedProducer } from './producers.js'
import { reachEnds } from './reach-ends.js'
import { createStandbys } from './standbys.js'
import { createTaskHost } from './task-host.js'
import type { Slot } from './task-slot.js'
import { openTaskState } from './task-state.js'
import { startUpkeep } from './upkeep.js'

/**
 * Where tasks run: it processes and commits what it is assigned, and knows nothing of the group but what its member
 * says. There is one in the main thread, or one in each of several (`threads/`).
 */
export interface EngineRoom {
  /** All that it runs from now on, and keeps copies of. What is not named any more ends. */
  readonly assign: (assignment: Pick<TaskAssignment, 'active' | 'standby'>, generation: number) => void
  /** Others may have the tasks: nothing of them may be written any more. */
  readonly dropAll: () => void
  /** Resolves when everything that was processed is committed; meanwhile nothing more is processed. */
  readonly settle: () => Promise<void>
  /** Resolves when everything that is in the topics of its tasks now is answered; with false when it ends before. */
  readonly reachEnds: () => Promise<boolean>
  /** The tasks whose state may be open. */
  readonly inUse: () => ReadonlySet<TaskId>
  readonly report: () => RoomReport
  /** Takes no more records and commits what was processed; then `finished` resolves. */
  readonly stop: () => void
  /** Resolves when it has stopped and all is committed; rejects with what ended it. */
  readonly finished: Promise<void>
  /** Gives up what is under way on the network. */
  readonly abort: () => void
  /** Resolves when nothing is in use any more. */
  readonly close: () => Promise<void>
}

/** What is going on, and what was counted; of a room that has ended, as it was then. */
export interface RoomReport {
  /** Records that were not processed yet. */
  readonly lag: number
  readonly service: MetricsSnapshot
  readonly tasks: ReadonlyMap<string, MetricsSnapshot>
  /** How many records each copy is behind. */
  readonly standbys: ReadonlyMap<TaskId, number | undefined>
}

/** What a room needs of the membership. */
export type RoomMember = Pick<Member, 'generation' | 'memberId' | 'commit' | 'stillMember'>

export interface RoomOptions {
  readonly application: string
  readonly settings: Settings
  readonly exactlyOnce: boolean
  readonly layout: Layout
  readonly client: KafkaClient
  readonly admin: TopicAdmin
  readonly member: () => RoomMember
  /** It cannot go on, and stops; `finished` will reject. */
  readonly onFailure: (error: unknown) => void
  /** The states that are in use have changed. */
  readonly onUse?: () => void
  /** Called with the task whose records are about to be processed, and with nothing afterwards. */
  readonly onTurn?: (task?: TaskId) => void
  readonly step?: Step
}

/** Of input that was read ahead, in all tasks of a room together. */
const INPUT_BYTES = 32 << 20
const FETCH_BYTES = 1 << 20
/** Of outputs and state that wait for their commit, in one task. */
const MAX_PENDING_BYTES = 16 << 20

export function createEngineRoom(options: RoomOptions): EngineRoom {
  const { application, settings, exactlyOnce, layout, client, member, step = () => {} } = options
  const { planned, cluster } = layout
  const isolation: Isolation = 'read_committed'
  const directory = stateDirectory(settings)
  const wake = createWake()
  const metrics = createMetrics()
  const aborted = new AbortController()
  let stopping = false
  /** A rebalance waits for what was processed to be committed. */
  let held = false
  let failure: { readonly error: unknown } | undefined
  /** What there was to report when it had ended. */
  let last: RoomReport | undefined

  const stop = (): void => {
    stopping = true
    wake.ring()
  }
  const fail = (error: unknown): void => {
    failure ??= { error }
    stop()
    options.onFailure(error)
  }
  const warn = ({ code, problem, remedy }: RevlogError): void =>
    settings.onEvent({ kind: 'warning', code, problem, remedy })

  /** The task that may go on without what is gone. */
  const readerOf = ({ topic, partition }: Coordinates): Slot | undefined =>
    settings.offsetReset === 'none'
      ? undefined
      : host
          .slots()
          .find(
            ({ planned }) =>
              planned.partition === partition &&
              planned.inputs.some((input) => !input.internal && input.topic.name === topic),
          )

  const prefetch = createPrefetch({
    client,
    isolation,
    bytes: () => INPUT_BYTES,
    onData: wake.ring,
    onError(error) {
      // Taken over anew it finds out what is gone, and goes on behind that.
      const slot = error.code === 'E_OFFSET_OUT_OF_RANGE' ? readerOf(error.at) : undefined
      if (slot === undefined) fail(explain(error))
      else slot.restart(error)
    },
    onHeldBack: warn,
  })
  const producer = createSharedProducer(client, layout, aborted.signal)
  const lives = createLives(fail, options.onUse)
  const opener: TaskOpener = {
    application,
    cluster,
    directory,
    settings,
    exactlyOnce,
    client,
    prefetch,
    producer,
    member,
    partOf: (slot) => planned.get(slot.id)!.part,
    layout,
    maxPendingBytes: MAX_PENDING_BYTES,
    fetchBytes: FETCH_BYTES,
    signal: aborted.signal,
    step,
    ...(options.onTurn === undefined ? {} : { onTurn: options.onTurn }),
  }
  const host = createTaskHost({
    exactlyOnce,
    producer,
    member,
    lives,
    open: (slot) => openTask(opener, slot),
    createSlot(id, generation): Slot | undefined {
      const known = planned.get(id)
      if (known === undefined) return undefined
      const { task, part } = known
      return {
        ...{ id, planned: task, name: part.name, generation },
        ...{ running: undefined, dropped: false, restart: () => {} },
      }
    },
    onChange: wake.ring,
    onFailure: fail,
    onRetry: (task, error) => {
      if (!stopping) settings.onEvent({ kind: 'retrying', task, error })
    },
    step,
  })
  const standbys = createStandbys({
    lives,
    openState: (task) => openTaskState(join(directory, task), { cluster, application, task }, Date.now()),
    openChangelog(task, signal) {
      const { part, task: place } = planned.get(task)!
      return openChangelog(client, part.changelog!, place.partition, isolation, signal)
    },
    onWarm: (task, records) => settings.onEvent({ kind: 'standby', task, records }),
    onDiscarded: (task, reason) => settings.onEvent({ kind: 'discarded', task, reason }),
    onWarning: warn,
  })
  const upkeep = startUpkeep({
    slots: host.slots,
    internal: new Set(layout.plan.repartitionTopics.keys()),
    admin: options.admin,
    partitions: layout.sources,
    outputs: layout.outputs,
    onFailure: fail,
    onWarning: warn,
  })
  const loop = runLoop({
    tasks: host.tasks,
    commit: (due) => host.commit(due()),
    wake,
    commitIntervalMs: settings.commitIntervalMs,
    maxPendingBytes: MAX_PENDING_BYTES,
    metrics,
    stopping: () => stopping,
    held: () => held,
    onSettled: () => {},
    tidy: () => false,
    onEvent: settings.onEvent,
  })
  const look = (): RoomReport => ({
    lag: host.tasks().reduce((sum, hosted) => sum + hosted.lag(), 0),
    service: metrics.snapshot(),
    tasks: new Map(host.tasks().map(({ task }) => [task.id, task.metrics.snapshot()])),
    standbys: standbys.lags(),
  })
  const finished = loop
    .then(() => {
      if (failure !== undefined) throw failure.error
    })
    .finally(() => {
      stopping = true
      last = look()
    })
  finished.catch(() => {})

  return {
    assign({ active, standby }, generation) {
      host.assign(active, generation)
      standbys.assign(standby.filter((task) => planned.get(task)?.part.changelog !== undefined))
    },
    dropAll: host.dropAll,
    async settle() {
      held = true
      wake.ring()
      while (!stopping && host.isBusy()) await new Promise((resolve) => setTimeout(resolve, 2))
      held = false
      wake.ring()
    },
    reachEnds: () => reachEnds(client, isolation, host, () => stopping),
    inUse: lives.inUse,
    report: () => last ?? look(),
    stop,
    finished,
    abort: () => aborted.abort(),
    async close() {
      upkeep.stop()
      aborted.abort()
      standbys.assign([])
      await host.close()
      await prefetch.close()
    },
  }
}

/** Where the state of each task is, in a folder of its name. */
export const stateDirectory = ({ directory }: Pick<Settings, 'directory'>): string => join(directory, 'tasks')

/** What a broker says of a partition, in terms of the application. */
function explain(error: RevlogError): RevlogError {
  if (error.code === 'E_OFFSET_OUT_OF_RANGE') return truncatedMeanwhile(error)
  if (error.code === 'E_TOPIC_UNKNOWN') {
    return new RevlogError('E_SOURCE_TOPIC_DELETED', 'a topic was deleted while it was being read', {
      at: error.at,
      cause: error,
      remedy: 'bring it back as it was; the state is kept',
    })
  }
  return error
}
