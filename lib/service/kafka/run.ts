import { join } from 'node:path'
import { holdDirectory } from '../../brokers/embedded/hold.js'
import { createKafkaBroker } from '../../brokers/kafka/broker.js'
import { openKafkaClient } from '../../brokers/kafka/client.js'
import { joinFixed } from '../../brokers/kafka/group/fixed.js'
import type { Member, MemberEvents, TaskAssignment } from '../../brokers/kafka/group/member.js'
import { joinTaskGroup } from '../../brokers/kafka/group/task-group.js'
import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import { createTopicAdmin, type TopicAdmin } from '../../brokers/kafka/topic-admin.js'
import type { TopicFinding } from '../../brokers/kafka/topic-check.js'
import { topicCommands } from '../../brokers/kafka/topic-commands.js'
import { ensureInternalTopics, requireTopics } from '../../brokers/kafka/topics.js'
import { RevlogError } from '../../core/errors.js'
import { createMetrics } from '../../core/metrics.js'
import { type PlannedTask, planTasks } from '../../engine/plan.js'
import { sinkTopicsOf, sourceTopicsOf, type Topology } from '../../topology/topology.js'
import { runLoop } from '../loop.js'
import type { KafkaSettings, Settings } from '../options.js'
import type { Step } from '../protocol/ports.js'
import { createService, type Service } from '../service.js'
import { createWake } from '../wake.js'
import { createKafkaCaughtUp } from './caught-up.js'
import { openChangelog } from './changelog-log.js'
import { createLeftStates } from './left-states.js'
import { createLives } from './lives.js'
import { openTask, type TaskOpener } from './open-task.js'
import { expectedTopics, groupParts, internalTopics, type NamedPart, namedParts } from './parts.js'
import { createPrefetch } from './prefetch.js'
import { createSharedProducer } from './producers.js'
import { createStandbys } from './standbys.js'
import { createTaskHost } from './task-host.js'
import type { Slot } from './task-slot.js'
import { openTaskState } from './task-state.js'
import { startUpkeep } from './upkeep.js'

/** Of input that was read ahead, in all tasks together. */
const INPUT_BYTES = 32 << 20
const FETCH_BYTES = 1 << 20
/** Of outputs and state that wait for their commit, in one task. */
const MAX_PENDING_BYTES = 16 << 20

/** The application as the brokers have it. */
interface Laid {
  readonly parts: readonly NamedPart[]
  readonly plan: ReturnType<typeof planTasks>
  readonly partitionsOf: (topic: string) => number
  readonly cluster: string | undefined
}

/**
 * Runs a topology as a member of its group on Apache Kafka.
 *
 * @param step for tests: called between the steps of the protocols
 */
export async function runOnKafka(
  topology: Topology,
  settings: Settings,
  kafka: KafkaSettings,
  step: Step = () => {},
): Promise<Service> {
  const client = await openKafkaClient(kafka.client)
  const admin = createTopicAdmin(client, kafka.client)
  let release: (() => Promise<void>) | undefined
  try {
    const laid = await layOut(topology, settings, kafka, client, admin)
    release = await holdDirectory(settings.directory)
    return launch(topology, settings, kafka, client, admin, laid, release, step)
  } catch (thrown) {
    await release?.()
    await admin.close()
    await client.close()
    throw thrown
  }
}

/** Checks the topics and makes those of the application's own. */
async function layOut(
  topology: Topology,
  settings: Settings,
  kafka: KafkaSettings,
  client: KafkaClient,
  admin: TopicAdmin,
): Promise<Laid> {
  const commands = topicCommands(kafka.client.brokers)
  const warn = (findings: readonly TopicFinding[]): void => {
    for (const { severity, code, problem, remedy } of findings) {
      if (severity === 'warning') settings.onEvent({ kind: 'warning', code, problem, remedy })
    }
  }
  const sources = await admin.describe([...sourceTopicsOf(topology)])
  const counts = new Map(sources.map((topic) => [topic.name, topic.partitions]))
  const plan = planTasks(topology, (topic) => counts.get(topic) ?? 1)
  const { topics, findings } = await requireTopics(admin, expectedTopics(topology, plan, settings), commands)
  warn(findings)
  const parts = namedParts(topology, plan, kafka.exactlyOnce)
  const partitionsOf = (topic: string): number =>
    plan.repartitionTopics.get(topic) ?? topics.get(topic)?.partitions ?? counts.get(topic) ?? 1
  const inputs = [...counts].flatMap(([topic, n]) =>
    Array.from({ length: n }, (_, partition) => ({ topic, partition })),
  )
  // Not the stable ones: a transaction that a killed process has left open ends when its task is taken over, after this.
  const known = await client.committedOffsets(topology.name, inputs, { requireStable: false })
  const begun = known.some(({ offset }) => offset !== undefined)
  const stateful = new Set(parts.flatMap(({ changelog }) => changelog ?? []))
  const internal = await ensureInternalTopics(
    admin,
    internalTopics(plan, parts, (topic) => begun && stateful.has(topic)),
    commands,
  )
  warn(internal.findings)
  const { clusterId } = await client.metadata([])
  return { parts, plan, partitionsOf, cluster: clusterId }
}

function launch(
  topology: Topology,
  settings: Settings,
  kafka: KafkaSettings,
  client: KafkaClient,
  admin: TopicAdmin,
  { parts, plan, partitionsOf, cluster }: Laid,
  release: () => Promise<void>,
  step: Step,
): Service {
  const { name: application } = topology
  const { exactlyOnce } = kafka
  const isolation = 'read_committed'
  const wake = createWake()
  const metrics = createMetrics()
  const aborted = new AbortController()
  let stopping = false
  let held = false
  let failure: { readonly error: unknown } | undefined
  const stop = (): void => {
    stopping = true
    wake.ring()
  }
  const fail = (error: unknown): void => {
    failure ??= { error }
    stop()
  }
  const warn = ({ code, problem, remedy }: RevlogError): void =>
    settings.onEvent({ kind: 'warning', code, problem, remedy })

  const prefetch = createPrefetch({
    client,
    isolation,
    bytes: () => INPUT_BYTES,
    onData: wake.ring,
    onError: (error) => fail(explain(error)),
  })
  const producer = createSharedProducer(client, partitionsOf, aborted.signal)
  const planned = new Map<string, { readonly task: PlannedTask; readonly part: NamedPart }>(
    plan.tasks.map((task) => {
      const part = parts.find((p) => p.part === task.part)!
      return [`${part.name}_${task.partition}`, { task, part }] as const
    }),
  )
  const opener: TaskOpener = {
    application,
    cluster,
    directory: join(settings.directory, 'tasks'),
    settings,
    exactlyOnce,
    client,
    prefetch,
    producer,
    member: () => member,
    partOf: (slot) => planned.get(slot.id)!.part,
    partitionsOf,
    maxPendingBytes: MAX_PENDING_BYTES,
    fetchBytes: FETCH_BYTES,
    signal: aborted.signal,
    step,
  }
  const lives = createLives(fail)
  const host = createTaskHost({
    exactlyOnce,
    producer,
    member: () => member,
    lives,
    open: (slot) => openTask(opener, slot),
    createSlot: (id, generation): Slot | undefined => {
      const known = planned.get(id)
      if (known === undefined) return undefined
      return {
        id,
        planned: known.task,
        name: known.part.name,
        generation,
        running: undefined,
        dropped: false,
        restart: () => {},
      }
    },
    onChange: wake.ring,
    onFailure: fail,
    onRetry: (task, error) => {
      if (!stopping) settings.onEvent({ kind: 'retrying', task, error })
    },
    step,
  })

  const owner = { application, cluster }
  const standbys = createStandbys({
    lives,
    openState: (task) => openTaskState(join(opener.directory, task), { ...owner, task }, Date.now()),
    openChangelog(task, signal) {
      const {
        part,
        task: { partition },
      } = planned.get(task)!
      return openChangelog(client, part.changelog!, partition, isolation, signal)
    },
    onWarm: (task, records) => settings.onEvent({ kind: 'standby', task, records }),
    onDiscarded: (task, reason) => settings.onEvent({ kind: 'discarded', task, reason }),
    onWarning: warn,
  })
  const leftStates = createLeftStates(
    {
      directory: opener.directory,
      owner,
      lives,
      inUse: (task) => standbys.lags().has(task) || host.slots().some(({ id }) => id === task),
    },
    Date.now(),
  )

  let heard = (): void => {}
  const assigned = new Promise<void>((resolve) => {
    heard = resolve
  })
  const events: MemberEvents<TaskAssignment> = {
    onAssigned(assignment, generation) {
      host.assign(assignment.active, generation)
      standbys.assign(assignment.standby.filter((task) => planned.get(task)?.part.changelog !== undefined))
      settings.onEvent({ kind: 'assigned', tasks: assignment.active, standbys: assignment.standby })
      heard()
    },
    // Who takes a task over begins where its last commit was: so there is one now. What stays goes on after it.
    async onRevoke() {
      held = true
      wake.ring()
      while (!stopping && host.isBusy()) await new Promise((resolve) => setTimeout(resolve, 2))
      held = false
      wake.ring()
    },
    onLost(reason) {
      host.dropAll()
      settings.onEvent({ kind: 'lost', reason })
    },
    onError: fail,
    onWarning: warn,
  }
  const group = {
    ...events,
    standbyReplicas: kafka.standbyReplicas,
    coordinator: client.coordinator(application),
    parts: () => groupParts(parts, partitionsOf, exactlyOnce),
  }
  const member: Member =
    kafka.member === undefined
      ? joinTaskGroup({
          ...group,
          application,
          sessionTimeoutMs: kafka.sessionTimeoutMs,
          warm: () => [
            ...[...standbys.lags()].map(([task, lag]) => ({ task, ...(lag === undefined ? {} : { lag }) })),
            ...leftStates.warm(),
          ],
          ...(kafka.instanceId === undefined ? {} : { instanceId: kafka.instanceId }),
        })
      : joinFixed({ ...group, ...kafka.member })

  settings.signal?.addEventListener('abort', stop, { once: true })
  // It may have come while the topics were looked at.
  if (settings.signal?.aborted === true) stop()
  const written = [...sinkTopicsOf(topology)].flatMap((topic) =>
    Array.from({ length: partitionsOf(topic) }, (_, partition) => ({ topic, partition })),
  )
  const caughtUp = createKafkaCaughtUp(client, isolation, host, assigned, parts.length, written)
  const loop = runLoop({
    tasks: host.tasks,
    commit: host.commit,
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

  const upkeep = startUpkeep({
    slots: host.slots,
    internal: new Set(plan.repartitionTopics.keys()),
    admin,
    partitions: new Map([...sourceTopicsOf(topology)].map((topic) => [topic, partitionsOf(topic)])),
    onFailure: fail,
    removeOldStates: () => leftStates.removeOld(Date.now()),
    onWarning: warn,
  })
  let left: number | undefined
  const lagOf = (): number => host.tasks().reduce((sum, hosted) => sum + hosted.lag(), 0)
  async function finish(): Promise<void> {
    let late = false
    const deadline = new Promise<void>((resolve) => {
      const wait = (): void => {
        if (!stopping) {
          setTimeout(wait, 100).unref()
          return
        }
        setTimeout(() => {
          late = true
          aborted.abort()
          resolve()
        }, kafka.shutdownTimeoutMs).unref()
      }
      wait()
    })
    try {
      await Promise.race([loop, deadline])
      if (late) {
        throw new RevlogError(
          'E_SHUTDOWN_TIMEOUT',
          `${application} did not stop within ${kafka.shutdownTimeoutMs} ms`,
          {
            remedy: 'nothing is lost: what was not committed is processed again',
          },
        )
      }
      if (failure !== undefined) throw failure.error
    } finally {
      settings.signal?.removeEventListener('abort', stop)
      left = lagOf()
      upkeep.stop()
      aborted.abort()
      await member.leave()
      standbys.assign([])
      await host.close()
      await prefetch.close()
      await broker.close()
      await client.close()
      await release()
    }
  }

  const broker = createKafkaBroker(client, admin)
  const service = createService({
    topology,
    directory: { path: settings.directory, broker },
    tasks: host.tasks,
    standbys: standbys.lags,
    metrics,
    caughtUp,
    finished: finish(),
    stop,
    lag: () => left ?? lagOf(),
  })
  settings.onEvent({ kind: 'running', tasks: planned.size })
  return service
}

/** What a broker says of a partition, in terms of the application. */
function explain(error: RevlogError): RevlogError {
  if (error.code === 'E_OFFSET_OUT_OF_RANGE') {
    return new RevlogError('E_INPUT_TRUNCATED', 'records were deleted before they were read', {
      at: error.at,
      cause: error,
      remedy: 'keep records longer; to go on without them, reset the application',
    })
  }
  if (error.code === 'E_TOPIC_UNKNOWN') {
    return new RevlogError('E_SOURCE_TOPIC_DELETED', 'a topic was deleted while it was being read', {
      at: error.at,
      cause: error,
      remedy: 'bring it back as it was; the state is kept',
    })
  }
  return error
}
