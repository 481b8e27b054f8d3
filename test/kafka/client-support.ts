import { openKafkaClient } from '../../lib/brokers/kafka/client.js'
import type { FetcherOptions, KafkaClient, PlacedRecord } from '../../lib/brokers/kafka/kafka-client.js'
import type { KafkaOptions } from '../../lib/brokers/kafka/options.js'
import type { LogRecord } from '../../lib/core/record.js'
import { createdBy } from './admin.js'

/** Clients that are closed after each test. */
export function clients(): { open(options: KafkaOptions): Promise<KafkaClient> } {
  const opened: KafkaClient[] = []
  afterEach(() => Promise.all(opened.splice(0).map((client) => client.close())))
  return {
    async open(options) {
      const client = await openKafkaClient(options, { timeoutMs: 30_000 })
      opened.push(client)
      return client
    },
  }
}

export async function createTopic(
  client: KafkaClient,
  topic: string,
  partitions = 1,
  config: { readonly [name: string]: string } = {},
): Promise<string> {
  const admin = client.kafkajs().admin()
  await admin.connect()
  await createdBy(admin, topic, config, partitions)
  await admin.disconnect()
  return topic
}

export const placed = (topic: string, value: string | Buffer, partition = 0): PlacedRecord => ({
  topic,
  partition,
  key: undefined,
  value: Buffer.from(value),
  timestamp: Date.now(),
  headers: [],
})

/** All of a partition, from an offset up to its end. */
export async function readAll(
  client: KafkaClient,
  topic: string,
  options: Partial<FetcherOptions> & { readonly partition?: number; readonly offset?: number } = {},
): Promise<LogRecord[]> {
  const { partition = 0, isolation = 'read_committed' } = options
  const [end] = await client.listOffsets([{ topic, partition, at: 'latest' }], { isolation })
  const fetcher = client.fetcher({ ...options, isolation })
  const records: LogRecord[] = []
  let offset = options.offset ?? 0
  while (offset < end!.offset!) {
    const [fetched] = await fetcher.poll([{ topic, partition, offset }], { maxWaitMs: 100 })
    if (fetched?.error !== undefined) throw fetched.error
    records.push(...(fetched?.records ?? []))
    offset = fetched?.nextOffset ?? offset
  }
  fetcher.close()
  return records
}

export const valuesOf = (records: readonly LogRecord[]): string[] =>
  records.map(({ value }) => value!.toString())
