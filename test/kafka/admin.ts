import kafkajs, { type Admin } from 'kafkajs'

/** What the port of a broker cannot ask for, done by kafkajs' administration. */
export async function withAdmin<T>(address: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING })
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
): Promise<unknown> => withAdmin(address, (admin) => createdBy(admin, topic, config, partitions))

/** Resolves when each partition has a leader. */
export async function createdBy(
  admin: Admin,
  topic: string,
  config: { readonly [setting: string]: string },
  partitions: number,
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic, numPartitions: partitions, configEntries }],
  })
  await until(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.every((t) => t.partitions.length === partitions && t.partitions.every((p) => p.leader >= 0))
  })
}

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
