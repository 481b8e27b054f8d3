import { openDirectory } from '../brokers/embedded/directory.js'
import { topicCommands } from '../brokers/kafka/topic-commands.js'
import type { Broker, NewTopic } from '../brokers/port.js'
import { RevlogError } from '../core/errors.js'
import { ensureTopics, newTopic } from '../service/ensure-topics.js'
import type { Topology } from '../topology/topology.js'
import { nearest } from './arguments.js'
import type { Place } from './log-place.js'
import { type CliTopic, rawTopic, topicsOf } from './topics.js'

/** Opens the broker of a folder for this process alone, and closes it whatever happens. @throws RevlogError `E_STATE_DIR_LOCKED` naming who holds it */
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

/**
 * Makes a topic that does not exist yet. In a folder all topics of its topology, when there is one, with one partition
 * when no number is given. On Kafka, where others decide what topics there are, that one and only with a number.
 *
 * @throws RevlogError `E_TOPIC_UNKNOWN` with the command that creates it
 */
export async function ensureTopic(
  broker: Broker,
  place: Place,
  { name }: CliTopic,
  topology: Topology | undefined,
  partitions: number | undefined,
): Promise<void> {
  if ((await broker.describeTopic(name)) !== undefined) return
  const config = { cleanupPolicy: 'delete' } as const
  const plain = { name, partitions: partitions ?? 1, config }
  if ('kafka' in place) {
    const topic = topology === undefined ? plain : newTopic(topology, plain)
    if (partitions === undefined) throw topicToCreate(topic, place.kafka.brokers)
    await broker.createTopic(topic)
  } else if (topology === undefined) await broker.createTopic(plain)
  else await ensureTopics(broker, topology, { partitions: plain.partitions })
}

function topicToCreate({ name, partitions, config }: NewTopic, brokers: readonly string[]): RevlogError {
  const settings = { 'cleanup.policy': config.cleanupPolicy }
  const command = topicCommands(brokers).create(name, partitions, settings)
  return new RevlogError('E_TOPIC_UNKNOWN', `Kafka has no topic ${name}`, {
    at: { topic: name },
    remedy: `create it with --partitions N, or by ${command}`,
  })
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
