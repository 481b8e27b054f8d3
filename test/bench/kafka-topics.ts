import { basename } from 'node:path'
import { openKafkaClient } from '../../lib/brokers/kafka/client.js'
import type { KafkaClient, PlacedRecord } from '../../lib/brokers/kafka/kafka-client.js'
import { NO_HEADERS } from '../../lib/core/record.js'
import type { JobNames } from './jobs.js'
import { readWorkload, type WorkloadName } from './workload.js'

/** Event times are long past: retention by time would delete the records at once. */
const KEEP = { 'retention.ms': '-1' }
/** What a revision log needs; nothing of it is compacted as long as a run takes. */
export const COMPACTED = { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '3600000' }

/** The topics of one run on a broker. Inputs are shared, also with the Java peer, which calls them so. */
export const namesOnKafka = (workload: WorkloadName, file: string, application: string): JobNames => ({
  application,
  left: `ks-${basename(file)}-${workload === 'count' ? 'in' : 'left'}`,
  right: `ks-${basename(file)}-right`,
  output: `${application}-out`,
})

let made = 0
/** A name that no other run on the broker has. */
export const applicationName = (job: string): string =>
  `revlog-${job}-${Date.now().toString(36)}-${process.pid}-${made++}`

export async function withClient<T>(address: string, use: (client: KafkaClient) => Promise<T>): Promise<T> {
  const client = await openKafkaClient({ brokers: [address] }, { timeoutMs: 30_000 })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

type Config = { readonly [setting: string]: string }

export async function createTopics(
  client: KafkaClient,
  topics: readonly string[],
  config: Config = {},
): Promise<void> {
  const admin = client.kafkajs().admin()
  await admin.connect()
  const known = new Set(await admin.listTopics())
  const configEntries = Object.entries({ ...KEEP, ...config }).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    topics: topics
      .filter((topic) => !known.has(topic))
      .map((topic) => ({ topic, numPartitions: 1, configEntries })),
    waitForLeaders: true,
  })
  await admin.disconnect()
}

/** Output and changelogs of a run; the inputs stay for the next one. */
export async function deleteTopics(client: KafkaClient, application: string): Promise<void> {
  const admin = client.kafkajs().admin()
  await admin.connect()
  const own = (await admin.listTopics()).filter((topic) => topic.startsWith(`${application}-`))
  if (own.length > 0) await admin.deleteTopics({ topics: own })
  await admin.disconnect()
}

export async function changelogsOf(client: KafkaClient, application: string): Promise<readonly string[]> {
  const { topics } = await client.metadata('all')
  return topics
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`${application}-`) && name.endsWith('-changelog'))
}

export async function endOf(client: KafkaClient, topic: string): Promise<number> {
  const at = 'latest' as const
  const [end] = await client.listOffsets([{ topic, partition: 0, at }], { isolation: 'read_uncommitted' })
  return end!.offset!
}

/** Makes the topics of a run, and fills the inputs unless an earlier run did. */
export async function prepareTopics(
  client: KafkaClient,
  names: JobNames,
  workload: WorkloadName,
  file: string,
  records: number,
): Promise<void> {
  const inputs = workload === 'count' ? [names.left] : [names.left, names.right]
  await createTopics(client, inputs)
  await createTopics(client, [names.output], COMPACTED)
  const ends = await Promise.all(inputs.map((topic) => endOf(client, topic)))
  const filled = ends.reduce((sum, end) => sum + end, 0)
  if (filled === records) return
  if (filled > 0) throw new Error(`${inputs.join(' and ')} hold ${filled} records: delete them first`)
  const producer = await client.producer({ maxBatchBytes: 1 << 18 })
  for (const chunk of readWorkload(file, records)) {
    await producer.send(
      chunk.map(
        ({ side, timestamp, key, value }): PlacedRecord => ({
          topic: side === 0 ? names.left : names.right,
          partition: 0,
          key,
          value,
          timestamp,
          headers: NO_HEADERS,
        }),
      ),
    )
  }
}
