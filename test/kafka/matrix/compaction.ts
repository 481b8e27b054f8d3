import kafkajs from 'kafkajs'
import type { Isolation, KafkaClient } from '../../../lib/brokers/kafka/kafka-client.js'
import type { LogRecord } from '../../../lib/core/record.js'
import { readTopic } from './reading.js'

/** A compacted topic that the broker leaves alone until {@link compact}. */
export const COMPACTED: { readonly [setting: string]: string } = {
  'cleanup.policy': 'compact',
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '1.0',
  'message.timestamp.after.max.ms': '9223372036854775807',
}
const SOON = { ...COMPACTED, 'min.cleanable.dirty.ratio': '0.0' }
/** A segment that is written to is never cleaned. A record that is, by its own time, so much later than now ends it. */
const LATER_MS = 10_000_000
const ROLL = '#roll'
const LONGEST_MS = 60_000
const LOOK_MS = 250

/** Resolves with what is left of each partition: for every key its last record. */
export async function compact(
  client: KafkaClient,
  topic: string,
  partitions: number,
  isolation: Isolation,
): Promise<readonly (readonly LogRecord[])[]> {
  const admin = client.kafkajs().admin()
  await admin.connect()
  const configEntries = Object.entries(SOON).map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  })
  await admin.disconnect()
  const producer = await client.producer()
  const rolls = Array.from({ length: partitions }, (_, partition) => ({
    topic,
    partition,
    key: Buffer.from(ROLL),
    value: Buffer.from(ROLL),
    timestamp: Date.now() + LATER_MS,
    headers: [],
  }))
  await producer.send(rolls)
  for (const deadline = Date.now() + LONGEST_MS; ; ) {
    const left = (await readTopic(client, topic, partitions, isolation)).map((records) =>
      records.filter(({ key }) => key!.toString() !== ROLL),
    )
    if (left.every((records) => new Set(records.map(({ key }) => key!.toString())).size === records.length)) {
      return left
    }
    if (Date.now() > deadline) throw new Error(`${topic} is not compacted after ${LONGEST_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
