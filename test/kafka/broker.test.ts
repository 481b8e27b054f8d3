import assert from 'node:assert/strict'
import { openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import type { Broker } from '../../lib/brokers/port.js'
import { describeBroker } from '../brokers/broker-contract.js'
import { record } from '../brokers/support.js'
import { createRawTopic, deleteRecords } from './admin.js'
import { describeKafka } from './suite.js'

describeKafka('Apache Kafka', (kafka) => {
  describeBroker('behind the port of a broker', async () => {
    const { address, name } = kafka()
    const broker = await openKafkaBroker({ brokers: [address] })
    // Its topics take 1 MiB in a batch.
    return { broker, close: broker.close, prefix: `${name('contract')}-`, largestValue: 800_000 }
  })

  describe('as a broker', () => {
    let broker: Broker
    beforeEach(async () => {
      broker = await openKafkaBroker({ brokers: [kafka().address] })
    })
    afterEach(() => broker.close())

    it('is read past batches that compaction has emptied', async () => {
      const topic = kafka().name('compacted')
      await createRawTopic(kafka().address, topic, {
        'cleanup.policy': 'compact',
        'segment.ms': '1000',
        'min.cleanable.dirty.ratio': '0.01',
        'max.compaction.lag.ms': '1000',
      })
      const put = async (key: string, value: string, timestamp = Date.now()): Promise<void> => {
        // A producer of its own leaves the header of its last batch behind, with no record in it.
        const writer = await openKafkaBroker({ brokers: [kafka().address] })
        await writer.produce([record(topic, { key: Buffer.from(key), value: Buffer.from(value), timestamp })])
        await writer.close()
      }
      for (let i = 0; i < 10; i++) await put('a', String(i))
      // Segments roll by the time of records, and the last one is never compacted.
      await put('b', 'last', Date.now() + 5_000)
      const at = { topic, partition: 0 }
      let first = 0
      while (first < 9) {
        first = (await broker.fetch({ ...at, offset: 0, maxRecords: 1 })).records[0]?.offset ?? 9
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const found: string[] = []
      let fetches = 0
      for (let offset = 0; offset < 11; fetches++) {
        const { records, nextOffset, endOffset } = await broker.fetch({ ...at, offset, maxBytes: 1 })
        assert.equal(endOffset, 11)
        assert.ok(nextOffset > offset, 'it goes on')
        found.push(...records.map((r) => `${r.offset} ${r.key}=${r.value}`))
        offset = nextOffset
      }
      assert.deepEqual(found, ['9 a=9', '10 b=last'])
      assert.ok(fetches <= 11)
      assert.equal(await broker.waitForData([{ ...at, offset: 3 }], 5_000), true)
      assert.equal(await broker.waitForData([{ ...at, offset: 11 }], 50), false)
    })

    it('says so when records before an offset are gone', async () => {
      const topic = kafka().name('t')
      await broker.createTopic({ name: topic, partitions: 1, config: { cleanupPolicy: 'delete' } })
      await broker.produce(Array.from({ length: 8 }, () => record(topic)))
      await deleteRecords(kafka().address, topic, 5)
      const at = { topic, partition: 0 }
      await assert.rejects(broker.fetch({ ...at, offset: 4 }), { code: 'E_OFFSET_OUT_OF_RANGE' })
      const { records, logStartOffset } = await broker.fetch({ ...at, offset: 5 })
      assert.deepEqual([records.length, logStartOffset], [3, 5])
      assert.equal((await broker.fetch({ ...at, offset: 8 })).logStartOffset, 5)
      assert.equal(await broker.waitForData([{ ...at, offset: 2 }], 0), true)
      assert.equal(await broker.waitForData([{ ...at, offset: 99 }], 50), false)
    })

    it('says which records it refuses, and takes the next ones', async () => {
      const topic = kafka().name('t')
      // The default from Kafka 4.0 on.
      await createRawTopic(kafka().address, topic, { 'message.timestamp.after.max.ms': '3600000' })
      const ahead = record(topic, { timestamp: Date.now() + 7_200_000 })
      await assert.rejects(broker.produce([record(topic), ahead]), { code: 'E_RECORD_TIMESTAMP' })
      await broker.produce([record(topic)])
      assert.deepEqual(await broker.endOffsets(topic), [1])
    })

    it('knows a topic that compacts and forgets by age', async () => {
      const topic = kafka().name('t')
      await createRawTopic(kafka().address, topic, {
        'cleanup.policy': 'compact,delete',
        'retention.ms': '5000',
      })
      const { config } = (await broker.describeTopic(topic))!
      assert.deepEqual(config, { cleanupPolicy: 'compact', retentionMs: 5_000 })
    })
  })

  it('that is not there is named', async () => {
    const brokers = ['127.0.0.1:1', '127.0.0.1:2']
    await assert.rejects(openKafkaBroker({ brokers, startTimeoutMs: 300 }), (error: Error) => {
      assert.match(error.message, /^E_BROKER_UNREACHABLE: .*127\.0\.0\.1:[12]/)
      return true
    })
  })
})
