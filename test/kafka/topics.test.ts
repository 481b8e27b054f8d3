import assert from 'node:assert/strict'
import { openKafkaClient } from '../../lib/brokers/kafka/client.js'
import type { KafkaClient } from '../../lib/brokers/kafka/kafka-client.js'
import { createTopicAdmin, type TopicAdmin } from '../../lib/brokers/kafka/topic-admin.js'
import type { ExpectedTopic } from '../../lib/brokers/kafka/topic-check.js'
import { topicCommands } from '../../lib/brokers/kafka/topic-commands.js'
import {
  ensureInternalTopics,
  type InternalTopic,
  inspectTopics,
  requireTopics,
} from '../../lib/brokers/kafka/topics.js'
import { createRawTopic } from './admin.js'
import { describeKafka } from './suite.js'

const commands = topicCommands(['kafka:9092'])
const CONFIGURE = 'kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics'

describeKafka('the topics of an application on Apache Kafka', (kafka) => {
  let client: KafkaClient
  let admin: TopicAdmin
  before(async () => {
    const options = { brokers: [kafka().address] }
    client = await openKafkaClient(options)
    admin = createTopicAdmin(client)
  })
  after(async () => {
    await client?.close()
  })

  const made = async (config: { readonly [setting: string]: string }, partitions = 1): Promise<string> => {
    const name = kafka().name('t')
    await createRawTopic(kafka().address, name, config, partitions)
    return name
  }
  /** What is found about one topic, without its name. */
  const found = async (expected: ExpectedTopic): Promise<string[]> => {
    const { findings } = await inspectTopics(admin, [expected], commands)
    return findings.map(({ severity, code, remedy }) =>
      `${severity} ${code}: ${remedy}`.replaceAll(expected.name, 'NAME'),
    )
  }

  it('are created with the right settings, once, by however many members', async () => {
    const application = kafka().name('app')
    const changelog = `${application}-totals-changelog`
    const repartition = `${application}-totals-repartition`
    const internal: readonly InternalTopic[] = [
      { name: repartition, kind: 'repartition', partitions: 3, inUse: false },
      { name: changelog, kind: 'changelog', partitions: 3, inUse: false },
    ]
    const reports = await Promise.all([1, 2, 3].map(() => ensureInternalTopics(admin, internal, commands)))
    for (const { findings } of reports) assert.deepEqual(findings, [])
    const setting = (name: string, ...settings: readonly string[]): readonly (string | undefined)[] => {
      const topic = reports[0]!.topics.get(name)!
      assert.deepEqual([topic.partitions, topic.replicas], [3, 1])
      return settings.map((key) => topic.config.get(key))
    }
    assert.deepEqual(setting(repartition, 'cleanup.policy', 'retention.ms'), ['delete', '-1'])
    assert.deepEqual(setting(changelog, 'cleanup.policy', 'min.compaction.lag.ms', 'delete.retention.ms'), [
      'compact',
      '3600000',
      '86400000',
    ])
    for (const name of [repartition, changelog]) {
      assert.deepEqual(setting(name, 'message.timestamp.type', 'message.timestamp.after.max.ms'), [
        'CreateTime',
        '9223372036854775807',
      ])
    }
    const inUse = internal.map((topic) => ({ ...topic, inUse: true }))
    await ensureInternalTopics(admin, inUse, commands)
  })

  it('that are internal and gone are not created again while they are in use', async () => {
    const name = kafka().name('app-totals-changelog')
    const topic = { name, kind: 'changelog', partitions: 1, inUse: true } as const
    await assert.rejects(ensureInternalTopics(admin, [topic], commands), { code: 'E_TOPIC_MISSING' })
    assert.deepEqual(await admin.describe([name]), [])
  })

  it('that are internal and would lose records, or have another number of partitions, end the start', async () => {
    const name = await made({ 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' }, 2)
    const topic = { name, kind: 'changelog', partitions: 3, inUse: false } as const
    await assert.rejects(ensureInternalTopics(admin, [topic], commands), (error: Error) => {
      assert.match(error.message, /^E_TOPIC_PARTITIONS: .*2 partitions.*makes it 3/)
      assert.match(error.message, /would lose records: cleanup\.policy=delete/)
      assert.match(error.message, /replaces the time of records/)
      assert.ok(
        error.message.includes(`${CONFIGURE} --entity-name ${name} --add-config cleanup.policy=compact,`),
      )
      return true
    })
  })

  it('that are missing are said at once, with the commands that create them', async () => {
    const [table, stream] = [kafka().name('profiles'), kafka().name('transactions')]
    const expected: readonly ExpectedTopic[] = [
      { name: table, role: 'read as the table profiles', content: 'table', partitions: 4 },
      { name: stream, role: 'read as a stream', content: 'stream', partitions: 4 },
    ]
    await assert.rejects(requireTopics(admin, expected, commands), (error: Error) => {
      assert.match(error.message, new RegExp(`E_TOPIC_UNKNOWN: there is no topic ${table}.*${stream}`))
      const create = 'kafka-topics.sh --bootstrap-server kafka:9092 --create --topic'
      assert.ok(error.message.includes(`${create} ${table} --partitions 4 --config cleanup.policy=compact\n`))
      assert.ok(error.message.includes(`${create} ${stream} --partitions 4`))
      return true
    })
  })

  it('that not every broker knows yet, because they were made a moment ago, are waited for', async () => {
    const name = kafka().name('new')
    const required = requireTopics(admin, [{ name, role: 'read as a stream', content: 'stream' }], commands)
    await createRawTopic(kafka().address, name, { 'retention.ms': '-1' }, 2)
    assert.equal((await required).topics.get(name)?.partitions, 2)
  })

  it('that are as they should be are not complained about', async () => {
    const expected: readonly ExpectedTopic[] = [
      { name: await made({ 'cleanup.policy': 'compact' }), role: 'a table', content: 'table', written: true },
      {
        name: await made({ 'retention.ms': '7200000' }, 2),
        role: 'a stream',
        content: 'stream',
        historyMs: 3_600_000,
      },
      { name: await made({ 'retention.ms': '-1' }), role: 'a stream', content: 'stream', partitions: 1 },
    ]
    const { topics, findings } = await requireTopics(admin, expected, commands)
    assert.deepEqual(findings, [])
    assert.deepEqual(
      expected.map(({ name }) => topics.get(name)?.partitions),
      [1, 2, 1],
    )
  })

  it('forget what is still needed: that is found', async () => {
    const name = await made({ 'retention.ms': '60000' })
    const role = 'somebody'
    assert.deepEqual(await found({ name, role, content: 'table' }), [
      `error E_TOPIC_NOT_COMPACTED: ${CONFIGURE} --entity-name NAME --add-config cleanup.policy=compact`,
    ])
    assert.deepEqual(await found({ name, role, content: 'stream', historyMs: 120_000 }), [
      `warning E_TOPIC_RETENTION: ${CONFIGURE} --entity-name NAME --add-config retention.ms=120000`,
    ])
    const both = await made({ 'cleanup.policy': 'compact,delete' })
    assert.deepEqual(await found({ name: both, role, content: 'table' }), [
      `warning E_TOPIC_RETENTION: ${CONFIGURE} --entity-name NAME --add-config cleanup.policy=compact`,
    ])
    const compacted = await made({ 'cleanup.policy': 'compact' })
    assert.deepEqual(await found({ name: compacted, role, content: 'stream' }), [
      `warning E_TOPIC_COMPACTED: ${CONFIGURE} --entity-name NAME --add-config cleanup.policy=delete`,
    ])
  })

  it('with another number of partitions than others are found', async () => {
    const name = await made({}, 3)
    const role = 'one side of a join'
    assert.deepEqual(await found({ name, role, content: 'stream', partitions: 4 }), [
      'error E_TOPIC_PARTITIONS: kafka-topics.sh --bootstrap-server kafka:9092 --alter --topic NAME --partitions 4',
    ])
    assert.match((await found({ name, role, content: 'stream', partitions: 2 }))[0]!, /copy it into a topic/)
  })
})
