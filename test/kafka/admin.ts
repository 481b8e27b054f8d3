import kafkajs, { type Admin } from 'kafkajs'

/**
 * What the port of a broker cannot ask for, done by kafkajs' administration.
 *
 * @param address `host:port`, or several with commas between them
 */
export async function withAdmin<T>(address: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new kafkajs.Kafka({ brokers: address.split(','), logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export const createRawTopic = (
  address: string,
  topic: string,
  config: { readonly [setting: string]: string },
  partitions = 1,
  replicas = -1,
): Promise<unknown> => withAdmin(address, (admin) => createdBy(admin, topic, config, partitions, replicas))

/** Resolves when each partition has a leader. */
export async function createdBy(
  admin: Admin,
  topic: string,
  config: { readonly [setting: string]: string },
  partitions: number,
  replicas = -1,
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await admin
    .createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, replicationFactor: replicas, configEntries }],
    })
    .catch((thrown: Error) => {
      // Made it is; kafkajs has looked at it too soon.
      if (!thrown.message.includes('leadership election')) throw thrown
    })
  await until(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.every((t) => t.partitions.length === partitions && t.partitions.every((p) => p.leader >= 0))
  })
}

/** Moves the copies of partition 0 to these nodes, the first of which then leads it; resolves when it does. */
export const moveTo = (address: string, topic: string, replicas: number[]): Promise<unknown> =>
  withAdmin(address, async (admin) => {
    await admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition: 0, replicas }] }],
    })
    await until(async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]!.partitions[0]!.leader === replicas[0]
    })
  })

/** A busy broker tells of what it has done a moment later, and until then answers with errors. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 30))
}

/** Deletes the records of partition 0 before an offset. */
export const deleteRecords = (address: string, topic: string, before: number): Promise<void> =>
  withAdmin(address, async (admin) => {
    // kafkajs finds no leader of a topic that it was not asked about before.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] })
  })

/** The same of a compacted topic, of which a broker deletes none: it is one that deletes, for a moment. */
export async function deleteCompacted(address: string, topic: string, before: number): Promise<void> {
  await alterTopic(address, topic, { 'cleanup.policy': 'delete', 'retention.ms': '-1' })
  await until(() =>
    deleteRecords(address, topic, before).then(
      () => true,
      () => false,
    ),
  )
  await alterTopic(address, topic, { 'cleanup.policy': 'compact' })
}

/** Gives a topic these settings, and no others of its own; resolves when the broker has them. */
export const alterTopic = (
  address: string,
  topic: string,
  config: { readonly [setting: string]: string },
): Promise<void> =>
  withAdmin(address, async (admin) => {
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] })
    await until(async () => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
      const known = new Map(resources[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]))
      return configEntries.every(({ name, value }) => known.get(name) === value)
    })
  })

export const deleteTopic = (address: string, topic: string): Promise<void> =>
  withAdmin(address, async (admin) => {
    await admin.deleteTopics({ topics: [topic] })
    while ((await admin.listTopics()).includes(topic)) await new Promise((resolve) => setTimeout(resolve, 20))
  })

export const addPartitions = (address: string, topic: string, count: number): Promise<unknown> =>
  withAdmin(address, async (admin) => {
    await admin.createPartitions({ topicPartitions: [{ topic, count }] })
    await until(async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics.every((t) => t.partitions.length === count)
    })
  })
