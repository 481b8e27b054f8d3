import { holdDirectory } from '../../brokers/embedded/hold.js'
import { createKafkaBroker } from '../../brokers/kafka/broker.js'
import { openKafkaClient } from '../../brokers/kafka/client.js'
import { joinFixed } from '../../brokers/kafka/group/fixed.js'
import type { Member, MemberEvents, TaskAssignment } from '../../brokers/kafka/group/member.js'
import { joinTaskGroup } from '../../brokers/kafka/group/task-group.js'
import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import { createTopicAdmin, type TopicAdmin } from '../../brokers/kafka/topic-admin.js'
import { RevlogError } from '../../core/errors.js'
import { sinkTopicsOf, type Topology } from '../../topology/topology.js'
import type { KafkaSettings, Settings } from '../options.js'
import type { Step } from '../protocol/ports.js'
import { createService, type Service } from '../service.js'
import { createKafkaCaughtUp } from './caught-up.js'
import { createEngineRoom, type EngineRoom, stateDirectory } from './engine-room.js'
import { lateWarning } from './late-warning.js'
import { type Layout, layOut, layoutOf } from './lay-out.js'
import { keepLeftStates } from './left-states.js'
import { groupParts } from './parts.js'
import { portableSettings } from './threads/portable-settings.js'
import { openThreads } from './threads/threads.js'
import { unlessStopped } from './unless-stopped.js'

/**
 * Runs a topology as a member of its group on Apache Kafka. The member says what is to run, an engine room runs it:
 *
 * ```text
 *   brokers ── member: joins the group, heartbeats ──── assign, settle, drop ───▶ engine room: takes tasks over,
 *      ▲                    ▲                                                     processes, commits
 *      │                    └──────────── commits of positions ────────────────────────┘      │
 *      └───────────────────────── inputs, outputs, changelogs ────────────────────────────────┘
 * ```
 *
 * @throws the signal's reason when it is aborted before the service runs; nothing was processed then
 * @param step for tests: called between the steps of the protocols
 * @param file what exports the topology, for threads
 */
export async function runOnKafka(
  topology: Topology,
  settings: Settings,
  kafka: KafkaSettings,
  step: Step = () => {},
  file?: string,
): Promise<Service> {
  const portable = kafka.threads === 1 ? undefined : portableSettings(settings, kafka)
  const { signal } = settings
  const client = await unlessStopped(
    signal,
    openKafkaClient(
      { ...kafka.client, onLate: lateWarning(settings.onEvent) },
      signal === undefined ? {} : { signal },
    ),
  )
  const admin = createTopicAdmin(client)
  let release = async (): Promise<void> => {}
  try {
    const found = await unlessStopped(signal, layOut(topology, settings, kafka, client, admin))
    const layout = layoutOf(topology, kafka, found)
    release = await holdDirectory(settings.directory)
    // The two know each other: the room commits in the member's name, the member tells it what is to run.
    const hall: { member?: Member; fail: (error: unknown) => void } = { fail: () => {} }
    const link = {
      member: () => hall.member!,
      onFailure: (error: unknown) => hall.fail(error),
    }
    const room =
      portable === undefined
        ? createEngineRoom({
            ...{ application: topology.name, settings, exactlyOnce: kafka.exactlyOnce },
            ...{ layout, client, admin, step },
            ...link,
          })
        : await openThreads({
            ...{ file: file!, settings, kafka, portable, found, tasks: [...layout.planned.keys()] },
            ...link,
          })
    return launch({ topology, settings, kafka, client, admin, layout, room, hall, release })
  } catch (thrown) {
    await release()
    const closed = client.close().catch(() => {})
    // Who is told to stop does not wait for brokers that may never answer.
    if (signal?.aborted !== true) await closed
    throw thrown
  }
}

interface Launch {
  readonly topology: Topology
  readonly settings: Settings
  readonly kafka: KafkaSettings
  readonly client: KafkaClient
  readonly admin: TopicAdmin
  readonly layout: Layout
  readonly room: EngineRoom
  /** To be filled in: what the room reaches the membership by. */
  readonly hall: { member?: Member; fail: (error: unknown) => void }
  readonly release: () => Promise<void>
}

/** Joins the group, and has the room run what the group assigns. */
function launch({ topology, settings, kafka, client, admin, layout, room, hall, release }: Launch): Service {
  const { name: application } = topology
  const bound = createBound(application, kafka.shutdownTimeoutMs)
  let failure: { readonly error: unknown } | undefined
  const stop = (): void => {
    bound.start()
    room.stop()
  }
  hall.fail = (error) => {
    failure ??= { error }
    stop()
  }

  const leftStates = keepLeftStates(
    stateDirectory(settings),
    { application, cluster: layout.cluster },
    (task) => room.inUse().has(task),
  )
  let heard = (): void => {}
  const assigned = new Promise<void>((resolve) => {
    heard = resolve
  })
  const events: MemberEvents<TaskAssignment> = {
    onAssigned(assignment, generation) {
      room.assign(assignment, generation)
      settings.onEvent({ kind: 'assigned', tasks: assignment.active, standbys: assignment.standby })
      heard()
    },
    // Who takes a task over begins where its last commit was: so there is one now. What stays goes on after it.
    onRevoke: room.settle,
    onLost(reason) {
      room.dropAll()
      settings.onEvent({ kind: 'lost', reason })
    },
    onError: hall.fail,
    onWarning: ({ code, problem, remedy }) => settings.onEvent({ kind: 'warning', code, problem, remedy }),
  }
  const group = {
    ...events,
    coordinator: client.coordinator(application),
    parts: () => groupParts(layout.parts, layout.partitionsOf, kafka.exactlyOnce),
    standbyReplicas: kafka.standbyReplicas,
  }
  const member =
    kafka.member === undefined
      ? joinTaskGroup({
          ...group,
          application,
          threads: kafka.threads,
          sessionTimeoutMs: kafka.sessionTimeoutMs,
          warm: () => [
            ...[...room.report().standbys].map(([task, lag]) =>
              lag === undefined ? { task } : { task, lag },
            ),
            ...leftStates.warm(),
          ],
          ...(kafka.instanceId === undefined ? {} : { instanceId: kafka.instanceId }),
        })
      : joinFixed({ ...group, ...kafka.member })
  hall.member = member
  settings.signal?.addEventListener('abort', stop, { once: true })
  // It may have come while the topics were looked at.
  if (settings.signal?.aborted === true) stop()
  const broker = createKafkaBroker(client, admin)

  async function finish(): Promise<void> {
    try {
      await Promise.race([room.finished, bound.passed])
      if (failure !== undefined) throw failure.error
    } finally {
      settings.signal?.removeEventListener('abort', stop)
      leftStates.stop()
      room.abort()
      await member.leave()
      await room.close()
      await broker.close()
      await client.close()
      await release()
    }
  }
  const service = createService({
    topology,
    directory: { path: settings.directory, broker },
    metrics() {
      const { service, tasks, standbys } = room.report()
      return { service, tasks, standbys }
    },
    caughtUp: createKafkaCaughtUp({
      ...{ room, assigned, parts: layout.parts.length, client, exactlyOnce: kafka.exactlyOnce },
      written: [...sinkTopicsOf(topology), ...layout.plan.repartitionTopics.keys()].flatMap((topic) =>
        Array.from({ length: layout.partitionsOf(topic) }, (_, partition) => ({ topic, partition })),
      ),
    }),
    finished: finish(),
    stop,
    lag: () => room.report().lag,
  })
  settings.onEvent({ kind: 'running', tasks: layout.planned.size })
  return service
}

/** The time that stopping may take, from `start` on. */
function createBound(
  application: string,
  timeoutMs: number,
): { readonly start: () => void; readonly passed: Promise<never> } {
  let started = false
  let pass = (_: unknown): void => {}
  const passed = new Promise<never>((_, reject) => {
    pass = reject
  })
  passed.catch(() => {})
  const late = (): void =>
    pass(
      new RevlogError('E_SHUTDOWN_TIMEOUT', `${application} did not stop within ${timeoutMs} ms`, {
        remedy: 'nothing is lost: what was not committed is processed again',
      }),
    )
  return {
    start() {
      if (!started) setTimeout(late, timeoutMs).unref()
      started = true
    },
    passed,
  }
}
