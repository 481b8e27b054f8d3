import type { TaskId } from '../../brokers/kafka/group/member.js'
import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { KafkaTopic, TopicAdmin } from '../../brokers/kafka/topic-admin.js'
import type { TopicFinding } from '../../brokers/kafka/topic-check.js'
import { topicCommands } from '../../brokers/kafka/topic-commands.js'
import { maxMessageBytesOf } from '../../brokers/kafka/topic-config.js'
import { ensureInternalTopics, findTopics, requireTopics } from '../../brokers/kafka/topics.js'
import { type Plan, type PlannedTask, planTasks } from '../../engine/plan.js'
import { sourceTopicsOf, type Topology } from '../../topology/topology.js'
import type { KafkaSettings, Settings } from '../options.js'
import { type ReadPart, readParts } from './known-parts.js'
import { expectedTopics, internalTopics, type NamedPart, namedParts } from './parts.js'

/** What the brokers say; with the topology, all that the layout follows from. */
export interface Found {
  /** Partitions of the topics that are read from others. */
  readonly sources: ReadonlyMap<string, number>
  /** Partitions of these, and of those that are written for others. */
  readonly topics: ReadonlyMap<string, number>
  /** The largest batch that a topic takes, of these and of the application's own, in bytes. */
  readonly maxMessageBytes: ReadonlyMap<string, number | undefined>
  readonly cluster: string | undefined
  /** What an earlier life has left. */
  readonly read: readonly ReadPart[]
}

/** The application as the brokers have it. */
export interface Layout {
  readonly parts: readonly NamedPart[]
  readonly plan: Plan
  /** Every task that there is, in whatever process it runs. */
  readonly planned: ReadonlyMap<TaskId, { readonly task: PlannedTask; readonly part: NamedPart }>
  /** Partitions of the topics that are read from others. */
  readonly sources: ReadonlyMap<string, number>
  /** Those of the topics that are only written. */
  readonly outputs: ReadonlyMap<string, number>
  readonly partitionsOf: (topic: string) => number
  readonly maxMessageBytesOf: (topic: string) => number | undefined
  readonly cluster: string | undefined
}

/**
 * Checks the topics and makes those of the application's own.
 *
 * @throws RevlogError `E_INCOMPATIBLE_TOPOLOGY`, and those of the checks
 */
export async function layOut(
  topology: Topology,
  settings: Settings,
  kafka: KafkaSettings,
  client: KafkaClient,
  admin: TopicAdmin,
): Promise<Found> {
  const commands = topicCommands(kafka.client.brokers)
  const warn = (findings: readonly TopicFinding[]): void => {
    for (const { severity, code, problem, remedy } of findings) {
      if (severity === 'warning') settings.onEvent({ kind: 'warning', code, problem, remedy })
    }
  }
  const described = await findTopics(admin, [...sourceTopicsOf(topology)])
  const sources = new Map(described.map((topic) => [topic.name, topic.partitions]))
  const plan = planTasks(topology, (topic) => sources.get(topic) ?? 1)
  const { topics, findings } = await requireTopics(admin, expectedTopics(topology, plan, settings), commands)
  warn(findings)
  const { parts: read, begun } = await readParts(client, topology.name, plan)
  const parts = namedParts(topology, plan, kafka.exactlyOnce, read)
  const internal = await ensureInternalTopics(
    admin,
    internalTopics(plan, parts, begun, largestOf(topics.values())),
    commands,
  )
  warn(internal.findings)
  const { clusterId } = await client.metadata([])
  return {
    sources,
    topics: new Map([...topics].map(([name, { partitions }]) => [name, partitions])),
    maxMessageBytes: new Map(
      [...topics, ...internal.topics].map(([name, topic]) => [name, maxMessageBytesOf(topic)]),
    ),
    cluster: clusterId,
    read,
  }
}

/** What the topic that takes the largest batches takes. */
const largestOf = (topics: Iterable<KafkaTopic>): number =>
  Array.from(topics, (topic) => maxMessageBytesOf(topic) ?? 0).reduce((a, b) => Math.max(a, b), 0)

/** The same in every thread. */
export function layoutOf(
  topology: Topology,
  { exactlyOnce }: KafkaSettings,
  { sources, topics, maxMessageBytes, cluster, read }: Found,
): Layout {
  const plan = planTasks(topology, (topic) => sources.get(topic) ?? 1)
  const parts = namedParts(topology, plan, exactlyOnce, read)
  return {
    parts,
    plan,
    planned: new Map(
      plan.tasks.map((task) => {
        const part = parts.find((p) => p.part === task.part)!
        return [`${part.name}_${task.partition}`, { task, part }] as const
      }),
    ),
    sources,
    outputs: new Map([...topics].filter(([name]) => !sources.has(name))),
    partitionsOf: (topic) =>
      plan.repartitionTopics.get(topic) ?? topics.get(topic) ?? sources.get(topic) ?? 1,
    maxMessageBytesOf: (topic) => maxMessageBytes.get(topic),
    cluster,
  }
}
