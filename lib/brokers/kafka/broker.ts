import { RevlogError } from '../../core/errors.js'
import { checkNewTopic, checkPartition, unknownTopic } from '../checks.js'
import type { Broker } from '../port.js'
import { openKafkaClient } from './client.js'
import type { KafkaClient } from './kafka-client.js'
import { createLogReader } from './log-reader.js'
import { createLogWriter, type WritableTopic } from './log-writer.js'
import type { KafkaOptions } from './options.js'
import { createTopicAdmin, type TopicAdmin } from './topic-admin.js'
import { describe, maxMessageBytesOf, settingsOf } from './topic-config.js'

export interface OpenKafkaBroker extends KafkaOptions {
  /** How long to try when no broker can be reached, in milliseconds. 5,000 when absent. */
  readonly startTimeoutMs?: number
}

/** The port, and what Kafka can do beyond it. Closing the broker closes both. */
export interface KafkaBroker extends Broker {
  readonly client: KafkaClient
  readonly admin: TopicAdmin
}

/**
 * The port on Apache Kafka. Records are durable when all in-sync replicas have them; what is read is what is
 * committed, and the end of a partition lies before the first transaction that is open. Topics have as many replicas
 * as the brokers say.
 *
 * @throws RevlogError `E_BROKER_UNREACHABLE`, `E_BROKER_ADDRESS`, `E_AUTH`, `E_TLS`; later also `E_AUTHORIZATION`, and
 *   what `kafka-client.ts` names
 * @example
 * const broker = await openKafkaBroker({ brokers: ['localhost:9092'] })
 */
export async function openKafkaBroker(options: OpenKafkaBroker): Promise<KafkaBroker> {
  const { startTimeoutMs, ...kafka } = options
  const client = await openKafkaClient(
    kafka,
    startTimeoutMs === undefined ? {} : { timeoutMs: startTimeoutMs },
  )
  const admin = createTopicAdmin(client)
  const broker = createKafkaBroker(client, admin)
  return {
    ...broker,
    client,
    admin,
    async close() {
      await broker.close()
      await client.close()
    },
  }
}

/** What is remembered of a topic, for as long: partitions may be added to it, and its settings may change. */
const TOPIC_MAX_AGE_MS = 30_000

/** The port over a client that has its owner: `close` closes what the broker has opened, and not the client. */
export function createKafkaBroker(client: KafkaClient, admin: TopicAdmin): Broker {
  const known = new Map<string, { readonly topic: Promise<WritableTopic>; readonly since: number }>()
  const reader = createLogReader(client)
  const writer = createLogWriter(client, topicOf)
  let closed = false

  const checkOpen = (): void => {
    if (closed) throw new RevlogError('E_BROKER_CLOSED', 'the broker is closed')
  }

  function topicOf(name: string): Promise<WritableTopic> {
    const now = performance.now()
    const remembered = known.get(name)
    if (remembered !== undefined && now - remembered.since < TOPIC_MAX_AGE_MS) return remembered.topic
    const topic = admin.describe([name]).then(([found]) => {
      if (found === undefined) throw unknownTopic(name)
      return { ...describe(found), maxMessageBytes: maxMessageBytesOf(found) }
    })
    known.set(name, { topic, since: now })
    topic.catch(() => known.delete(name))
    return topic
  }

  /** Runs a call on a topic; a topic that is gone is looked up again. */
  const on = async <T>(names: readonly string[], run: () => Promise<T>): Promise<T> => {
    checkOpen()
    try {
      return await run()
    } catch (thrown) {
      if (thrown instanceof RevlogError && thrown.code === 'E_TOPIC_UNKNOWN') {
        for (const name of names) known.delete(name)
      }
      throw closed ? new RevlogError('E_BROKER_CLOSED', 'the broker is closed', { cause: thrown }) : thrown
    }
  }

  return {
    async createTopic(topic) {
      checkOpen()
      checkNewTopic(topic)
      const { name, partitions, config } = topic
      await admin.create({ name, partitions, config: settingsOf(config) })
      return { name, partitions, config }
    },
    async describeTopic(name) {
      checkOpen()
      const [found] = await admin.describe([name])
      return found === undefined ? undefined : describe(found)
    },
    async listTopics() {
      checkOpen()
      return (await admin.describe('all')).map(describe)
    },
    produce: (records) => on([...new Set(records.map(({ topic }) => topic))], () => writer.produce(records)),
    fetch: (request) =>
      on([request.topic], async () => {
        checkPartition(await topicOf(request.topic), request.partition)
        return reader.fetch(request)
      }),
    endOffsets: (name) =>
      on([name], async () => {
        const { partitions } = await topicOf(name)
        return reader.endOffsets(
          Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
        )
      }),
    async waitForData(positions, timeoutMs) {
      checkOpen()
      for (const { topic, partition } of positions) checkPartition(await topicOf(topic), partition)
      try {
        return await reader.waitForData(positions, timeoutMs)
      } catch (thrown) {
        if (closed) return false
        throw thrown
      }
    },
    async close() {
      closed = true
    },
  }
}
