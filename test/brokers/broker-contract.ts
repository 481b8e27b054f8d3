import assert from 'node:assert/strict'
import type { Broker } from '../../lib/brokers/port.js'
import { partitionOf } from '../../lib/core/murmur2.js'
import type { LogRecord } from '../../lib/core/record.js'
import { record, show } from './support.js'

const DELETE = { cleanupPolicy: 'delete' } as const
const bytes = (text: string): Buffer => Buffer.from(text)

export interface OpenedBroker {
  readonly broker: Broker
  readonly close: () => Promise<void>
  /** Begins the names of all topics, where others use the same log. */
  readonly prefix?: string
  /** The bytes of the largest value that it takes for sure. 3,000,000 when absent. */
  readonly largestValue?: number
}

/** What every implementation of the port promises. */
export function describeBroker(name: string, open: () => Promise<OpenedBroker>): void {
  describe(name, () => {
    let broker: Broker
    let close: () => Promise<void>
    let largestValue: number
    let moods: string
    let advice: string
    let t: string
    let c: string
    let absent: string
    beforeEach(async () => {
      const { prefix = '', ...opened } = await open()
      broker = opened.broker
      close = opened.close
      largestValue = opened.largestValue ?? 3_000_000
      moods = `${prefix}moods`
      advice = `${prefix}advice`
      t = `${prefix}t`
      c = `${prefix}c`
      absent = `${prefix}x`
    })
    afterEach(() => close())

    /** Of those that this test may have made. */
    const topics = async (): Promise<readonly string[]> => {
      const own = [moods, advice, t, c, absent]
      return (await broker.listTopics()).map((topic) => topic.name).filter((known) => own.includes(known))
    }

    const values = async (topic: string, partition = 0): Promise<(string | undefined)[]> => {
      const { records } = await broker.fetch({ topic, partition, offset: 0 })
      return records.map(({ value }) => value?.toString())
    }

    it('makes topics once, describes and lists them', async () => {
      const config = { cleanupPolicy: 'delete', retentionMs: 5_000 } as const
      const made = await broker.createTopic({ name: moods, partitions: 3, config })
      assert.deepEqual(made, { name: moods, partitions: 3, config })
      await broker.createTopic({ name: advice, partitions: 1, config: { cleanupPolicy: 'compact' } })
      await assert.rejects(broker.createTopic({ name: moods, partitions: 1, config: DELETE }), {
        code: 'E_TOPIC_EXISTS',
      })
      assert.deepEqual(await broker.describeTopic(moods), made)
      assert.equal(await broker.describeTopic(absent), undefined)
      assert.deepEqual(await topics(), [advice, moods])
    })

    it('refuses topics that cannot be', async () => {
      await assert.rejects(broker.createTopic({ name: 'a/b', partitions: 1, config: DELETE }), {
        code: 'E_TOPIC_NAME',
      })
      for (const partitions of [0, -1, 1.5, 1e9]) {
        await assert.rejects(broker.createTopic({ name: t, partitions, config: DELETE }), {
          code: 'E_TOPIC_CONFIG',
        })
      }
      const config = { cleanupPolicy: 'compact', retentionMs: 1 } as const
      await assert.rejects(broker.createTopic({ name: t, partitions: 1, config }), {
        code: 'E_TOPIC_CONFIG',
      })
      assert.deepEqual(await topics(), [])
    })

    it('keeps records byte for byte, with absent and empty parts apart', async () => {
      await broker.createTopic({ name: t, partitions: 1, config: DELETE })
      const records = [
        record(t, { key: bytes('k'), value: bytes('v'), timestamp: 1 }),
        record(t, { key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: 0 }),
        record(t, { timestamp: -1 }),
        record(t, {
          key: Buffer.from([0, 255, 128]),
          timestamp: 1_700_000_000_000,
          headers: [
            { key: 'a', value: bytes('1') },
            { key: 'b', value: undefined },
            { key: 'a', value: Buffer.alloc(0) },
          ],
        }),
        record(t, { value: Buffer.alloc(largestValue, 'x') }),
      ]
      const appended = await broker.produce(records)
      assert.deepEqual(appended, [{ topic: t, partition: 0, baseOffset: 0, count: 5 }])
      const found: LogRecord[] = []
      for (let offset = 0; offset < 5; ) {
        const fetched = await broker.fetch({ topic: t, partition: 0, offset })
        found.push(...fetched.records)
        assert.deepEqual([fetched.endOffset, fetched.logStartOffset], [5, 0])
        offset = fetched.nextOffset
      }
      assert.deepEqual(
        found.map(show),
        records.map((r, offset) => show({ ...r, offset })),
      )
    })

    it('partitions by key as Kafka does, unless the record says where', async () => {
      await broker.createTopic({ name: t, partitions: 5, config: DELETE })
      const keys = Array.from({ length: 100 }, (_, i) => bytes(`key ${i}`))
      await broker.produce(keys.map((key) => record(t, { key, partition: undefined })))
      await broker.produce([record(t, { key: keys[0]!, partition: 4, value: bytes('here') })])
      const ends = await broker.endOffsets(t)
      for (let partition = 0; partition < 5; partition++) {
        const { records } = await broker.fetch({ topic: t, partition, offset: 0 })
        assert.equal(records.length, ends[partition])
        const own = keys.filter((key) => partitionOf(key, 5) === partition).map(String)
        assert.deepEqual(
          records.filter(({ value }) => value === undefined).map(({ key }) => String(key)),
          own,
        )
      }
      assert.ok((await values(t, 4)).includes('here'))
    })

    it('fetches within its limits and goes on where it stopped', async () => {
      await broker.createTopic({ name: t, partitions: 1, config: DELETE })
      const records = Array.from({ length: 2_500 }, (_, i) => record(t, { value: bytes(`value ${i}`) }))
      await broker.produce(records)
      const few = await broker.fetch({ topic: t, partition: 0, offset: 990, maxRecords: 20 })
      assert.deepEqual([few.records.length, few.nextOffset], [20, 1_010])
      const small = await broker.fetch({ topic: t, partition: 0, offset: 0, maxBytes: 100 })
      // Ten of 7 bytes and three of 8.
      assert.equal(small.records.length, 13)
      const one = await broker.fetch({ topic: t, partition: 0, offset: 7, maxBytes: 1 })
      assert.deepEqual([one.records.length, one.nextOffset], [1, 8])
      const end = await broker.fetch({ topic: t, partition: 0, offset: 2_500 })
      assert.deepEqual([end.records.length, end.nextOffset], [0, 2_500])
    })

    it('says so when an offset, a partition or a topic is not there', async () => {
      await broker.createTopic({ name: t, partitions: 2, config: DELETE })
      const at = { topic: t, partition: 0, offset: 0 }
      for (const offset of [-1, 1, 0.5]) {
        await assert.rejects(broker.fetch({ ...at, offset }), { code: 'E_OFFSET_OUT_OF_RANGE' })
      }
      await assert.rejects(broker.fetch({ ...at, partition: 2 }), { code: 'E_PARTITION_UNKNOWN' })
      await assert.rejects(broker.fetch({ ...at, topic: absent }), { code: 'E_TOPIC_UNKNOWN' })
      await assert.rejects(broker.produce([record(t, { partition: -1 })]), { code: 'E_PARTITION_UNKNOWN' })
      await assert.rejects(broker.endOffsets(absent), { code: 'E_TOPIC_UNKNOWN' })
      await assert.rejects(broker.waitForData([{ ...at, topic: absent }], 10), { code: 'E_TOPIC_UNKNOWN' })
    })

    it('writes none of a call in which one record is bad, and all of the calls beside it', async () => {
      await broker.createTopic({ name: t, partitions: 1, config: DELETE })
      await broker.createTopic({ name: c, partitions: 1, config: { cleanupPolicy: 'compact' } })
      const good = record(t, { value: bytes('good') })
      const results = await Promise.allSettled([
        broker.produce([good]),
        broker.produce([good, record(absent)]),
        broker.produce([good, record(c, { value: bytes('no key') })]),
        broker.produce([good, record(t, { timestamp: Number.NaN })]),
        broker.produce([good, record(t, { value: Buffer.alloc(16 << 20) })]),
        broker.produce([good]),
        broker.produce([]),
      ])
      assert.deepEqual(
        results.map((result) => (result.status === 'rejected' ? result.reason.code : 'ok')),
        ['ok', 'E_TOPIC_UNKNOWN', 'E_RECORD_KEY', 'E_RECORD_TIMESTAMP', 'E_RECORD_TOO_LARGE', 'ok', 'ok'],
      )
      assert.deepEqual(await values(t), ['good', 'good'])
    })

    it('wakes who waits when a record arrives, and nobody for another partition', async () => {
      await broker.createTopic({ name: t, partitions: 2, config: DELETE })
      const at = (partition: number) => [{ topic: t, partition, offset: 0 }]
      const both = broker.waitForData([...at(0), ...at(1)], 30_000)
      const other = broker.waitForData(at(0), 200)
      await broker.produce([record(t, { partition: 1 })])
      assert.equal(await both, true)
      assert.equal(await other, false)
      assert.equal(await broker.waitForData(at(1), 0), true)
      assert.equal(await broker.waitForData([{ topic: t, partition: 1, offset: 1 }], 1), false)
    })

    it('refuses calls after it was closed', async () => {
      await broker.close()
      await assert.rejects(broker.listTopics(), { code: 'E_BROKER_CLOSED' })
      await assert.rejects(broker.produce([record(t)]), { code: 'E_BROKER_CLOSED' })
    })
  })
}
