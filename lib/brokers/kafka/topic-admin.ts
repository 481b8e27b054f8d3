import type { Admin } from 'kafkajs'
import { RevlogError } from '../../core/errors.js'
import { topicExists } from '../checks.js'
import type { CallOptions, KafkaClient, TopicMetadata } from './kafka-client.js'
import type { KafkaOptions } from './options.js'
import { transportErrors } from './transport-error.js'
import { kafkaError } from './wire/error-codes.js'

/** A topic with all that Kafka says about it. */
export interface KafkaTopic {
  readonly name: string
  readonly partitions: number
  /** Copies of the partition that has the fewest. */
  readonly replicas: number
  /** Every setting by Kafka's name, with those that the topic has from the broker. */
  readonly config: ReadonlyMap<string, string>
}

export interface NewKafkaTopic {
  readonly name: string
  readonly partitions: number
  /** By Kafka's names; what is left out is the broker's default, and so is the number of replicas. */
  readonly config: { readonly [setting: string]: string }
}

/** Makes and describes topics. */
export interface TopicAdmin {
  /** Resolves when clients can use it. @throws RevlogError `E_TOPIC_EXISTS`, `E_TOPIC_CONFIG`, `E_AUTHORIZATION` */
  create(topic: NewKafkaTopic): Promise<void>
  /** Those that exist, by name, ascending; `'all'` leaves out Kafka's own. @throws RevlogError `E_AUTHORIZATION` */
  describe(names: readonly string[] | 'all', options?: CallOptions): Promise<readonly KafkaTopic[]>
  /**
   * Deletes the records of partitions below the offsets given; a partition that is shorter is left alone.
   *
   * @throws RevlogError `E_AUTHORIZATION`
   */
  deleteBelow(
    topic: string,
    partitions: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void>
  /** Deletes topics, one after the other; resolves when no client sees them any more. What does not exist is fine. */
  remove(names: readonly string[]): Promise<void>
  /** How many brokers there are. */
  brokers(): Promise<number>
  close(): Promise<void>
}

/** kafkajs' number for "a topic" where settings are asked for. */
const TOPIC = 2
const BROKER_DEFAULT = -1
/** How long a new topic may take until every partition has a leader. */
const CREATE_TIMEOUT_MS = 30_000

/** Over kafkajs' administration, which connects with the first call. */
export function createTopicAdmin(client: KafkaClient, options: KafkaOptions): TopicAdmin {
  const translate = transportErrors(options)
  let connected: Promise<Admin> | undefined

  /** What kafkajs throws, as an error of ours; `what` is the sentence so far. */
  const failure = (thrown: unknown, what: string, topic?: string): RevlogError => {
    const answer = answerOf(thrown)
    return answer === undefined
      ? translate(thrown, options.brokers.join(', '))
      : kafkaError(answer.code, what, topic === undefined ? {} : { topic })
  }

  const connect = (): Promise<Admin> => {
    connected ??= (async () => {
      const admin = client.kafkajs().admin()
      try {
        await admin.connect()
        return admin
      } catch (thrown) {
        connected = undefined
        await admin.disconnect().catch(() => undefined)
        throw failure(thrown, 'cannot administer topics')
      }
    })()
    return connected
  }

  const configsOf = async (
    names: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> => {
    if (names.length === 0) return new Map()
    const admin = await connect()
    try {
      const { resources } = await admin.describeConfigs({
        resources: names.map((name) => ({ type: TOPIC, name })),
        includeSynonyms: false,
      })
      return new Map(
        resources.map(({ resourceName, configEntries }) => [
          resourceName,
          new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
        ]),
      )
    } catch (thrown) {
      throw failure(thrown, `Kafka does not tell the settings of ${names.join(', ')}`, names[0])
    }
  }

  const usable = ({ error, partitions }: TopicMetadata): boolean =>
    error === undefined && partitions.every(({ leader }) => leader !== undefined)

  const untilUsable = async (name: string): Promise<void> => {
    for (const deadline = Date.now() + CREATE_TIMEOUT_MS; ; ) {
      const { topics } = await client.metadata([name])
      if (topics.every(usable)) return
      if (Date.now() > deadline) {
        throw new RevlogError('E_BROKER_UNREACHABLE', `the new topic ${name} has no leader yet`, {
          at: { topic: name },
          remedy: 'check that all brokers run',
        })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  return {
    async create({ name, partitions, config }) {
      const admin = await connect()
      try {
        const made = await admin.createTopics({
          waitForLeaders: false,
          topics: [
            {
              topic: name,
              numPartitions: partitions,
              replicationFactor: BROKER_DEFAULT,
              configEntries: Object.entries(config).map(([setting, value]) => ({ name: setting, value })),
            },
          ],
        })
        if (!made) {
          // Perhaps a moment ago: whoever is told that it exists looks at it next.
          await untilUsable(name)
          throw topicExists(name)
        }
      } catch (thrown) {
        if (thrown instanceof RevlogError) throw thrown
        throw failure(thrown, `Kafka does not create topic ${name}`, name)
      }
      await untilUsable(name)
    },
    async describe(names, call) {
      const { topics } = await client.metadata(names, call)
      const found = topics.filter(({ error, internal }) => {
        if (error !== undefined && error.code !== 'E_TOPIC_UNKNOWN') throw error
        return error === undefined && !(names === 'all' && internal)
      })
      const configs = await configsOf(found.map(({ name }) => name))
      return found
        .map(({ name, partitions }) => ({
          name,
          partitions: partitions.length,
          replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          config: configs.get(name) ?? new Map<string, string>(),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async deleteBelow(topic, partitions) {
      const admin = await connect()
      try {
        // kafkajs finds the leaders only of topics that it has heard of.
        await admin.fetchTopicOffsets(topic)
        await admin.deleteTopicRecords({
          topic,
          partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
        })
      } catch (thrown) {
        throw failure(thrown, `Kafka does not delete the processed records of ${topic}`, topic)
      }
    },
    async remove(names) {
      if (names.length === 0) return
      const admin = await connect()
      const there = async (): Promise<readonly string[]> =>
        (await client.metadata(names)).topics
          .filter(({ error }) => error?.code !== 'E_TOPIC_UNKNOWN')
          .map(({ name }) => name)
      for (const name of await there()) {
        try {
          await admin.deleteTopics({ topics: [name] })
        } catch (thrown) {
          const error = failure(thrown, `Kafka does not delete topic ${name}`, name)
          if (error.code !== 'E_TOPIC_UNKNOWN') throw error
        }
      }
      for (const deadline = Date.now() + CREATE_TIMEOUT_MS; ; ) {
        const left = await there()
        if (left.length === 0) return
        if (Date.now() > deadline) {
          throw new RevlogError(
            'E_BROKER_UNREACHABLE',
            `${left.join(', ')} should be deleted, and is still there`,
            {
              remedy: 'check that all brokers run, and that delete.topic.enable is true',
            },
          )
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    brokers: async () => (await client.metadata([])).brokers.length,
    async close() {
      const admin = await connected?.catch(() => undefined)
      connected = undefined
      await admin?.disconnect()
    },
  }
}

/** Kafka's own answer, wherever kafkajs has wrapped it. */
function answerOf(thrown: unknown): { readonly code: number } | undefined {
  for (let e = thrown; typeof e === 'object' && e !== null; ) {
    const { code, errors, cause } = e as { code?: unknown; errors?: readonly unknown[]; cause?: unknown }
    if (typeof code === 'number') return { code }
    e = errors?.[0] ?? cause
  }
  return undefined
}
