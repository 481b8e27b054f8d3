import type { Broker, NewTopic } from '../brokers/port.js'
import { planTasks } from '../engine/plan.js'
import type { Topology } from '../topology/topology.js'
import { type RunOptions, settingsOf } from './options.js'
import { topicsOf } from './topics.js'

/**
 * Makes the topics of a topology that do not exist yet, as {@link run} would: for who writes to them before the
 * topology runs for the first time.
 *
 * @throws RevlogError `E_CONFIG`, `E_NOT_COPARTITIONED`
 */
export async function ensureTopics(
  broker: Broker,
  topology: Topology,
  options: Pick<RunOptions, 'partitions'> = {},
): Promise<void> {
  const settings = settingsOf(topology, options)
  const existing = new Map((await broker.listTopics()).map((topic) => [topic.name, topic.partitions]))
  const plan = planTasks(topology, (topic) => existing.get(topic) ?? settings.partitionsOf(topic))
  for (const topic of topicsOf(topology, plan, settings)) {
    if (!existing.has(topic.name)) await broker.createTopic(topic)
  }
}

/** How a topology wants one of its topics to be made; as it is given when the topology does not name it. */
export function newTopic(topology: Topology, plain: NewTopic): NewTopic {
  const settings = settingsOf(topology, { partitions: plain.partitions })
  const plan = planTasks(topology, settings.partitionsOf)
  return topicsOf(topology, plan, settings).find(({ name }) => name === plain.name) ?? plain
}
