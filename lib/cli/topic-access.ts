import { openDirectory } from '../brokers/embedded/directory.js'
import { openBroker } from '../brokers/embedded/open.js'
import type { Broker } from '../brokers/port.js'
import { RevlogError } from '../core/errors.js'
import { ensureTopics } from '../service/ensure-topics.js'
import type { Topology } from '../topology/topology.js'
import { nearest } from './arguments.js'
import { type CliTopic, rawTopic, topicsOf } from './topics.js'

/** Opens the broker of a folder, held by this process or by another one, and closes it whatever happens. */
export async function withBroker<T>(directory: string, use: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = await openBroker(directory)
  try {
    return await use(broker)
  } finally {
    await broker.close()
  }
}

/** The same for this process alone. @throws RevlogError `E_STATE_DIR_LOCKED` naming who holds it */
export async function withOwnBroker<T>(directory: string, use: (broker: Broker) => Promise<T>): Promise<T> {
  const held = await openDirectory(directory)
  try {
    return await use(held.broker)
  } finally {
    await held.close()
  }
}

/**
 * The topic that is meant: as the topology describes it, when there is one.
 *
 * @throws RevlogError `E_TOPIC_UNKNOWN` for a name that the topology does not have
 */
export function topicNamed(name: string, topology: Topology | undefined): CliTopic {
  if (topology === undefined) return rawTopic(name)
  const known = topicsOf(topology)
  const topic = known.get(name)
  if (topic === undefined) throw unknownTopic(`topology ${topology.name}`, name, [...known.keys()])
  return topic
}

/** Makes a topic that does not exist yet: all topics of its topology, when there is one. */
export async function ensureTopic(
  broker: Broker,
  topic: CliTopic,
  topology: Topology | undefined,
  partitions = 1,
): Promise<void> {
  if ((await broker.describeTopic(topic.name)) !== undefined) return
  if (topology !== undefined) return ensureTopics(broker, topology, { partitions })
  await broker.createTopic({ name: topic.name, partitions, config: { cleanupPolicy: 'delete' } })
}

/** @throws RevlogError `E_TOPIC_UNKNOWN` that says which topics there are */
export async function checkTopic(broker: Broker, name: string): Promise<void> {
  const known = (await broker.listTopics()).map((topic) => topic.name)
  if (!known.includes(name)) throw unknownTopic('the broker', name, known)
}

export function unknownTopic(who: string, name: string, known: readonly string[]): RevlogError {
  const near = nearest(name, known)
  const list = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
  return new RevlogError('E_TOPIC_UNKNOWN', `${who} has no topic ${name}: ${list}`, {
    remedy: near === undefined ? 'name one of these' : `did you mean ${near}?`,
  })
}
