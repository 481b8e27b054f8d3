import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { KafkaTopic, TopicAdmin } from '../../brokers/kafka/topic-admin.js'
import type { ExpectedTopic } from '../../brokers/kafka/topic-check.js'
import { findTopics, type InternalTopic } from '../../brokers/kafka/topics.js'
import { type Plan, planTasks } from '../../engine/plan.js'
import { sourceTopicsOf, type Topology } from '../../topology/topology.js'
import type { Settings } from '../options.js'
import { NOTHING_READ, readParts } from './known-parts.js'
import { expectedTopics, internalTopics, type NamedPart, namedParts } from './parts.js'

/** An application as the topics on Kafka make it, for who looks at it from outside: nothing is made or changed. */
export interface ApplicationTopics {
  /** Those source topics that exist. */
  readonly sources: readonly KafkaTopic[]
  readonly plan: Plan
  readonly parts: readonly NamedPart[]
  /** What others have to make. */
  readonly expected: readonly ExpectedTopic[]
  /** The application's own, under whatever guarantee. */
  readonly internal: readonly InternalTopic[]
  readonly partitionsOf: (topic: string) => number
}

/**
 * A source topic that does not exist counts as one with a single partition; those who need it find out by `expected`.
 *
 * @param client for who wants it as an earlier life has left it: the names of parts may be older than the topology
 * @throws RevlogError `E_NOT_COPARTITIONED`, `E_AUTHORIZATION`; with `client`, `E_INCOMPATIBLE_TOPOLOGY`
 */
export async function applicationTopics(
  topology: Topology,
  settings: Settings,
  admin: TopicAdmin,
  client?: KafkaClient,
): Promise<ApplicationTopics> {
  const sources = await findTopics(admin, [...sourceTopicsOf(topology)])
  const counts = new Map(sources.map((topic) => [topic.name, topic.partitions]))
  const plan = planTasks(topology, (topic) => counts.get(topic) ?? 1)
  const { parts: read, begun } =
    client === undefined ? NOTHING_READ : await readParts(client, topology.name, plan)
  const parts = namedParts(topology, plan, settings.kafka?.exactlyOnce === true, read)
  return {
    sources,
    plan,
    parts,
    expected: expectedTopics(topology, plan, settings),
    internal: internalTopics(plan, parts, begun),
    partitionsOf: (topic) => plan.repartitionTopics.get(topic) ?? counts.get(topic) ?? 1,
  }
}
