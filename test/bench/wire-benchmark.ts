import { CompressionTypes } from 'kafkajs'
import { openKafkaClient } from '../../lib/brokers/kafka/client.js'
import type { KafkaClient, PlacedRecord } from '../../lib/brokers/kafka/kafka-client.js'
import { createBatchEncoder } from '../../lib/brokers/kafka/wire/encode-batch.js'
import { createSlab } from '../../lib/brokers/kafka/wire/slab.js'
import { decode, PLAIN } from '../brokers/kafka/batches.js'
import { kafkajsDecode, kafkajsEncode } from '../brokers/kafka/kafkajs-codec.js'
import { startKafka } from '../kafka/broker.js'
import type { Benchmark } from './benchmarks.js'
import { type Measured, measure, type Stopwatch } from './measure.js'

/** As kafkajs is fastest: beyond that its grouping is quadratic. */
const SEND = 1_000
const TOPIC = 'wire-benchmark'

const sample = (from: number): readonly PlacedRecord[] =>
  Array.from({ length: SEND }, (_, i) => ({
    topic: TOPIC,
    partition: 0,
    key: Buffer.from(`key-${(from + i) % 10_000}`),
    value: Buffer.alloc(100, from + i),
    timestamp: Date.now(),
    headers: [],
  }))

/** The same batch again and again: what encoding or decoding alone costs. */
const codec = (name: string, records: number, start: () => Promise<() => unknown>): Benchmark => ({
  name: `wire/${name}`,
  async run(options) {
    const once = await start()
    const rounds = Math.ceil((options.records ?? records) / SEND)
    return measure(`wire/${name}`, async ({ tick }) => {
      for (let i = 0; i < rounds; i++) {
        await once()
        tick()
      }
      return { records: rounds * SEND }
    })
  },
})

const bytesOf = (records: readonly PlacedRecord[]): Buffer =>
  Buffer.from(createBatchEncoder().encode(createSlab(1 << 20), records, 0, PLAIN).bytes)

/** Against the broker of REVLOG_TEST_BROKERS, or one that is started for it. */
const onKafka = (
  name: string,
  run: (client: KafkaClient, topic: string, records: number, watch: Stopwatch) => Promise<Measured>,
  prepare: (client: KafkaClient, topic: string, records: number) => Promise<void> = async () => undefined,
): Benchmark => ({
  name: `wire/${name}`,
  slow: true,
  async run({ records = 1_000_000 }) {
    const { REVLOG_TEST_BROKERS: given } = process.env
    const broker = given === undefined ? await startKafka() : undefined
    const client = await openKafkaClient({ brokers: [given ?? broker!.address] })
    const topic = `${TOPIC}-${Date.now()}`
    try {
      const admin = client.kafkajs().admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
      await admin.disconnect()
      await prepare(client, topic, records)
      return await measure(`wire/${name}`, (watch) => run(client, topic, records, watch))
    } finally {
      await client.close()
      await broker?.remove()
    }
  },
})

/** Records are made inside the measurement, by both alike: a service makes them too. */
async function produce(client: KafkaClient, topic: string, records: number, tick = (): void => undefined) {
  const producer = await client.producer()
  for (let from = 0; from < records; from += SEND) {
    await producer.send(sample(from).map((record) => ({ ...record, topic })))
    tick()
  }
}

async function produceByKafkajs(client: KafkaClient, topic: string, records: number, tick: () => void) {
  const producer = client.kafkajs().producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition!,
  })
  await producer.connect()
  for (let from = 0; from < records; from += SEND) {
    const messages = sample(from).map(({ key, value, partition, timestamp }) => ({
      ...{ key: key!, value: value!, partition },
      timestamp: String(timestamp),
    }))
    await producer.send({ topic, messages, acks: -1, compression: CompressionTypes.None })
    tick()
  }
  await producer.disconnect()
}

async function consume(client: KafkaClient, topic: string, records: number, tick: () => void) {
  const fetcher = client.fetcher({ isolation: 'read_committed' })
  let offset = 0
  let count = 0
  while (count < records) {
    const [found] = await fetcher.poll([{ topic, partition: 0, offset }], { maxWaitMs: 100 })
    count += found?.records.length ?? 0
    offset = found?.nextOffset ?? offset
    tick()
  }
}

async function consumeByKafkajs(client: KafkaClient, topic: string, records: number, tick: () => void) {
  const consumer = client.kafkajs().consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  let count = 0
  await new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        count += batch.messages.length
        tick()
        if (count >= records) resolve()
      },
    })
  })
  await consumer.disconnect()
}

const counted =
  (run: (client: KafkaClient, topic: string, records: number, tick: () => void) => Promise<void>) =>
  async (client: KafkaClient, topic: string, records: number, { tick }: Stopwatch): Promise<Measured> => {
    await run(client, topic, records, tick)
    return { records }
  }

/** Our record batches beside kafkajs': the codecs alone, and both against a real broker (only when named). */
export const wire: readonly Benchmark[] = [
  codec('encode', 3_000_000, async () => {
    const records = sample(0)
    const encoder = createBatchEncoder()
    const slab = createSlab(1 << 20)
    return () => {
      slab.length = 0
      encoder.encode(slab, records, 0, PLAIN)
    }
  }),
  codec('encode-kafkajs', 200_000, async () => {
    const records = sample(0)
    return () => kafkajsEncode(records)
  }),
  codec('decode', 3_000_000, async () => {
    const bytes = bytesOf(sample(0))
    return () => decode(bytes)
  }),
  codec('decode-kafkajs', 1_000_000, async () => {
    const bytes = bytesOf(sample(0))
    return () => kafkajsDecode(bytes)
  }),
  onKafka('produce', counted(produce)),
  onKafka('produce-kafkajs', counted(produceByKafkajs)),
  onKafka('consume', counted(consume), produce),
  onKafka('consume-kafkajs', counted(consumeByKafkajs), produce),
]
