import assert from 'node:assert/strict'
import type { KafkaClient } from '../../lib/brokers/kafka/kafka-client.js'
import { randomRecord } from '../brokers/kafka/batches.js'
import { createRandom } from '../brokers/support.js'
import { clients, createTopic, placed, readAll, valuesOf } from './client-support.js'
import { describeKafka } from './suite.js'

describeKafka('a client of Kafka', (kafka) => {
  const { open } = clients()
  let client: KafkaClient
  const topicOf = (partitions = 1, config: { readonly [name: string]: string } = {}): Promise<string> =>
    createTopic(client, kafka().name('t'), partitions, config)
  beforeEach(async () => {
    client = await open({ brokers: [kafka().address] })
  })

  describe('writing', () => {
    it('and reading again gives the same records, with every compression', async () => {
      for (const compression of ['none', 'gzip', 'lz4'] as const) {
        const topic = await topicOf(3, {
          'message.timestamp.after.max.ms': '9223372036854775807',
          'retention.ms': '-1',
        })
        const random = createRandom(8)
        const records = Array.from({ length: 500 }, () => ({
          ...randomRecord(random),
          topic,
          partition: random.below(3),
        }))
        const sent = records.map((record) => ({
          ...record,
          timestamp: record.timestamp < -1 ? 0 : record.timestamp,
        }))
        const producer = await client.producer({ compression })
        await producer.send(sent)
        for (const partition of [0, 1, 2]) {
          const expected = sent.filter((record) => record.partition === partition)
          assert.deepEqual(
            await readAll(client, topic, { partition }),
            expected.map(({ key, value, timestamp, headers }, offset) => ({
              offset,
              timestamp,
              key,
              value,
              headers,
            })),
          )
        }
      }
    })

    it('is read by kafkajs too', async () => {
      const topic = await topicOf()
      const producer = await client.producer({ compression: 'gzip' })
      await producer.send(['a', 'b', 'c'].map((value) => placed(topic, value)))
      const consumer = client.kafkajs().consumer({ groupId: kafka().name('g') })
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      const values: string[] = []
      await new Promise<void>((resolve) => {
        void consumer.run({
          eachMessage: async ({ message }) => {
            values.push(String(message.value))
            if (values.length === 3) resolve()
          },
        })
      })
      await consumer.disconnect()
      assert.deepEqual(values, ['a', 'b', 'c'])
    })

    it('says where each batch went, without gaps', async () => {
      const topic = await topicOf(2)
      const producer = await client.producer({ maxBatchBytes: 2_000, maxRequestBytes: 3_000 })
      const records = Array.from({ length: 300 }, (_, i) => placed(topic, `${i}`.padEnd(100), i % 2))
      const appended = await producer.send(records)
      for (const partition of [0, 1]) {
        let next = 0
        for (const { baseOffset, count } of appended.filter((a) => a.partition === partition)) {
          assert.equal(baseOffset, next)
          next += count
        }
        assert.equal(next, 150)
        const values = valuesOf(await readAll(client, topic, { partition }))
        assert.deepEqual(
          values.map((value) => Number(value)),
          Array.from({ length: 150 }, (_, i) => 2 * i + partition),
        )
      }
    })

    it('makes smaller batches for a topic that takes only such', async () => {
      const topic = await topicOf(1, { 'max.message.bytes': '5000' })
      const producer = await client.producer()
      const records = Array.from({ length: 200 }, (_, i) => placed(topic, `${i}`.padEnd(100)))
      await producer.send(records)
      await producer.send(records)
      assert.deepEqual(
        valuesOf(await readAll(client, topic)).map((value) => Number(value)),
        [...records, ...records].map(({ value }) => Number(value)),
      )
    })

    it('refuses a record that the topic does not take, and the producer is spent', async () => {
      const topic = await topicOf(1, { 'max.message.bytes': '5000' })
      const producer = await client.producer()
      await assert.rejects(producer.send([placed(topic, 'x'.repeat(6_000))]), {
        code: 'E_RECORD_TOO_LARGE',
        at: { topic, partition: 0 },
      })
      await assert.rejects(producer.send([placed(topic, 'x')]), { code: 'E_PRODUCER_SPENT' })
    })

    it('names the record whose time the broker refuses', async () => {
      const topic = await topicOf(1, { 'message.timestamp.after.max.ms': '3600000' })
      const producer = await client.producer()
      const late = { ...placed(topic, 'b'), timestamp: Date.now() + 86_400_000 }
      await assert.rejects(producer.send([placed(topic, 'a'), late]), {
        code: 'E_RECORD_TIMESTAMP',
        message: /record 1 of the batch/,
      })
    })

    it('checks all records before it sends one, which does not spend the producer', async () => {
      const topic = await topicOf()
      const producer = await client.producer({ maxMessageBytesOf: () => 1_000 })
      const good = placed(topic, 'a')
      for (const [bad, code] of [
        [{ ...good, value: Buffer.alloc(2_000) }, 'E_RECORD_TOO_LARGE'],
        [{ ...good, timestamp: Number.NaN }, 'E_RECORD_TIMESTAMP'],
        [{ ...good, partition: -1 }, 'E_RECORD_PLACE'],
      ] as const) {
        await assert.rejects(producer.send([good, bad]), { code, message: /record 1 / })
      }
      assert.deepEqual(await producer.send([good]), [{ topic, partition: 0, baseOffset: 0, count: 1 }])
    })

    it('does one send at a time', async () => {
      const topic = await topicOf()
      const producer = await client.producer()
      const first = producer.send([placed(topic, 'a')])
      await assert.rejects(producer.send([placed(topic, 'b')]), { code: 'E_PRODUCER_BUSY' })
      await first
      await producer.send([placed(topic, 'c')])
      assert.deepEqual(valuesOf(await readAll(client, topic)), ['a', 'c'])
    })

    it('ends when it is aborted', async () => {
      const producer = await client.producer()
      const signal = AbortSignal.timeout(100)
      await assert.rejects(producer.send([placed(kafka().name('absent'), 'a')], { signal }), {
        code: 'E_ABORTED',
      })
      assert.equal(producer.spent?.code, 'E_ABORTED')
    })

    it('to a topic that does not exist says so, within seconds', async () => {
      const producer = await client.producer()
      const topic = kafka().name('absent')
      await assert.rejects(producer.send([placed(topic, 'a')]), { code: 'E_TOPIC_UNKNOWN', at: { topic } })
    })
  })

  describe('asking for offsets', () => {
    it('finds the first, the last, and the one at a time', async () => {
      const topic = await topicOf()
      const now = Date.now()
      const producer = await client.producer()
      await producer.send([0, 1, 2].map((i) => ({ ...placed(topic, `${i}`), timestamp: now + 10 * i })))
      const ask = async (at: 'earliest' | 'latest' | number): Promise<number | undefined> =>
        (await client.listOffsets([{ topic, partition: 0, at }], { isolation: 'read_committed' }))[0]!.offset
      assert.deepEqual(
        [await ask('earliest'), await ask('latest'), await ask(now + 5), await ask(now + 21)],
        [0, 3, 1, undefined],
      )
    })

    it('of a group gives what was committed, and nothing where nothing was', async () => {
      const [group, topic] = [kafka().name('g'), await topicOf(2)]
      await client.commitOffsets({ group }, [{ topic, partition: 1, offset: 7, metadata: 'm' }])
      assert.deepEqual(
        await client.committedOffsets(group, [
          { topic, partition: 0 },
          { topic, partition: 1 },
        ]),
        [
          { topic, partition: 0, offset: undefined, metadata: undefined },
          { topic, partition: 1, offset: 7, metadata: 'm' },
        ],
      )
    })

    it('commits for members only, once a group has members', async () => {
      const [group, topic] = [kafka().name('g'), await topicOf()]
      const member = { group, memberId: 'stranger', generation: 3 }
      await assert.rejects(client.commitOffsets(member, [{ topic, partition: 0, offset: 1 }]), {
        code: /^E_KAFKA_(UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION)$/,
      })
    })
  })

  describe('metadata', () => {
    it('tells of each topic by itself: one that is gone spoils no other', async () => {
      const [topic, absent] = [await topicOf(3), kafka().name('absent')]
      const { topics, brokers } = await client.metadata([topic, absent])
      const found = topics.find(({ name }) => name === topic)
      assert.deepEqual(
        found?.partitions.map(({ partition, leader }) => [partition, leader]),
        [0, 1, 2].map((partition) => [partition, brokers[0]!.nodeId]),
      )
      assert.equal(topics.find(({ name }) => name === absent)?.error?.code, 'E_TOPIC_UNKNOWN')
    })
  })
})
