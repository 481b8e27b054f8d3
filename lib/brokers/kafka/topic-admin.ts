import { RevlogError } from '../../core/errors.js'
import { topicExists } from '../checks.js'
import type { CallOptions, KafkaClient, TopicMetadata } from './kafka-client.js'
import { retry } from './retry.js'
import { kafkaError, kafkaErrorCode } from './wire/error-codes.js'
import {
  createTopicRequest,
  deleteTopicRequest,
  describeTopicSettingsRequest,
  type TopicAnswer,
} from './wire/topics.js'

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
}

const BROKER_DEFAULT = -1
/** How long the controller may take for a change. */
const CHANGE_MS = 8_000
/** How long what passes is repeated: no controller, no leader. */
const PATIENCE_MS = 30_000
/** How long a new topic may take until every partition has a leader. */
const CREATE_TIMEOUT_MS = 30_000

export function createTopicAdmin(client: KafkaClient): TopicAdmin {
  /** Asks until there is an answer that is worth telling; `fine` are answers that are as good as success. */
  const ask = async <Answer extends Pick<TopicAnswer, 'name' | 'errorCode' | 'errorMessage'>>(
    what: string,
    call: (timeoutMs: number) => Promise<readonly Answer[]>,
    fine: readonly string[] = [],
  ): Promise<readonly Answer[]> =>
    retry({ timeoutMs: PATIENCE_MS, signal: undefined }, async () => {
      const answers = await call(PATIENCE_MS)
      for (const { name, errorCode, errorMessage } of answers) {
        if (errorCode === 0 || fine.includes(kafkaErrorCode(errorCode).name)) continue
        throw kafkaError(errorCode, what, { topic: name }, errorMessage)
      }
      return answers
    })

  const settingsOf = async (
    names: readonly string[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> => {
    if (names.length === 0) return new Map()
    const answers = await ask('Kafka does not tell the settings of a topic', (timeoutMs) =>
      client.ask(describeTopicSettingsRequest(names), { timeoutMs, ...call }),
    )
    return new Map(answers.map(({ name, settings }) => [name, settings]))
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
      const topic = { name, partitions, config, replicas: BROKER_DEFAULT }
      const answers = await ask(
        `Kafka does not create topic ${name}`,
        (timeoutMs) => client.askController(createTopicRequest(topic, CHANGE_MS), { timeoutMs }),
        [EXISTS],
      )
      // When it was there: perhaps for a moment only, and whoever is told that it exists looks at it next.
      await untilUsable(name)
      if (answers.some(({ errorCode }) => errorCode !== 0)) throw topicExists(name)
    },
    async describe(names, call) {
      const { topics } = await client.metadata(names, call)
      const found = topics.filter(({ error, internal }) => {
        if (error !== undefined && error.code !== 'E_TOPIC_UNKNOWN') throw error
        return error === undefined && !(names === 'all' && internal)
      })
      const configs = await settingsOf(
        found.map(({ name }) => name),
        call,
      )
      return found
        .map(({ name, partitions }) => ({
          name,
          partitions: partitions.length,
          replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          config: configs.get(name) ?? new Map<string, string>(),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    deleteBelow: (topic, partitions) =>
      client.deleteRecords(partitions.map(({ partition, offset }) => ({ topic, partition, offset }))),
    async remove(names) {
      if (names.length === 0) return
      const there = async (): Promise<readonly string[]> =>
        (await client.metadata(names)).topics
          .filter(({ error }) => error?.code !== 'E_TOPIC_UNKNOWN')
          .map(({ name }) => name)
      for (const name of await there()) {
        await ask(
          `Kafka does not delete topic ${name}`,
          (timeoutMs) => client.askController(deleteTopicRequest(name, CHANGE_MS), { timeoutMs }),
          [UNKNOWN],
        )
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
  }
}

const EXISTS = 'TOPIC_ALREADY_EXISTS'
const UNKNOWN = 'UNKNOWN_TOPIC_OR_PARTITION'
