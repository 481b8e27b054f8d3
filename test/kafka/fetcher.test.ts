import assert from 'node:assert/strict'
import type { KafkaClient } from '../../lib/brokers/kafka/kafka-client.js'
import { clients, createTopic, placed, readAll, valuesOf } from './client-support.js'
import { describeKafka } from './suite.js'

describeKafka('a fetcher', (kafka) => {
  const { open } = clients()
  let client: KafkaClient
  beforeEach(async () => {
    client = await open({ brokers: [kafka().address] })
  })
  const topicOf = (partitions = 1, config: { readonly [name: string]: string } = {}): Promise<string> =>
    createTopic(client, kafka().name('t'), partitions, config)
  const write = async (topic: string, ...values: string[]): Promise<void> => {
    await (await client.producer()).send(values.map((value) => placed(topic, value)))
  }

  it('says that there is nothing, and where the end is', async () => {
    const topic = await topicOf()
    await write(topic, 'a')
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const [found] = await fetcher.poll([{ topic, partition: 0, offset: 1 }], { maxWaitMs: 50 })
    assert.deepEqual(found, {
      topic,
      partition: 0,
      offset: 1,
      records: [],
      batches: undefined,
      nextOffset: 1,
      highWatermark: 1,
      lastStableOffset: 1,
      logStartOffset: 0,
      bytes: 0,
      error: undefined,
    })
  })

  it('makes records only when they are wanted, when it is lazy', async () => {
    const topic = await topicOf()
    const producer = await client.producer({ maxBatchRecords: 1 })
    await producer.send(['a', 'b', 'c'].map((value) => placed(topic, value)))
    const fetcher = client.fetcher({ isolation: 'read_committed', lazy: true })
    const [found] = await fetcher.poll([{ topic, partition: 0, offset: 1 }], { maxWaitMs: 50 })
    assert.deepEqual([found!.records, found!.nextOffset], [[], 3])
    const { batches } = found!
    const pieces = [batches!.next(1)!, batches!.next(1)!]
    assert.deepEqual(
      pieces.map(({ records, nextOffset }) => [...valuesOf(records), nextOffset]),
      [
        ['b', 2],
        ['c', 3],
      ],
    )
    assert.equal(batches!.next(1), undefined)
  })

  it('gets what comes while it waits, at once', async () => {
    const topic = await topicOf()
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const producer = await client.producer()
    const polled = fetcher.poll([{ topic, partition: 0, offset: 0 }], { maxWaitMs: 5_000 })
    await producer.send([placed(topic, 'a')])
    const [found] = await polled
    assert.deepEqual(valuesOf(found!.records), ['a'])
  })

  it('throws away the answer to a position that nobody asks for any more', async () => {
    const topic = await topicOf()
    await write(topic, 'a', 'b', 'c')
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const first = fetcher.poll([{ topic, partition: 0, offset: 3 }], {
      maxWaitMs: 300,
      signal: AbortSignal.timeout(50),
    })
    await assert.rejects(first, { code: 'E_ABORTED' })
    const found = []
    while (found.length === 0) {
      found.push(...(await fetcher.poll([{ topic, partition: 0, offset: 1 }], { maxWaitMs: 300 })))
    }
    assert.deepEqual(valuesOf(found[0]!.records), ['b', 'c'])
  })

  it('reports what is wrong with one partition beside what is right with another', async () => {
    const [topic, absent] = [await topicOf(), kafka().name('absent')]
    await write(topic, 'a')
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const positions = [
      { topic, partition: 0, offset: 0 },
      { topic: absent, partition: 0, offset: 0 },
    ]
    const deadline = Date.now() + 20_000
    let error: Error | undefined
    let right = 0
    while (error === undefined && Date.now() < deadline) {
      for (const fetched of await fetcher.poll(positions, { maxWaitMs: 100 })) {
        if (fetched.topic === absent) error = fetched.error
        else right += fetched.records.length
      }
    }
    assert.equal((error as { code?: string } | undefined)?.code, 'E_TOPIC_UNKNOWN')
    assert.ok(right > 0)
  })

  it('says that a position is out of range, and what there is', async () => {
    const topic = await topicOf()
    await write(topic, 'a', 'b', 'c', 'd')
    const admin = client.kafkajs().admin()
    await admin.connect()
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    await admin.disconnect()
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    for (const [offset, message] of [
      [1, /begins at 3: 2 records are lost/],
      [9, /ends at 4/],
    ] as const) {
      const [found] = await fetcher.poll([{ topic, partition: 0, offset }], { maxWaitMs: 50 })
      assert.equal(found!.error?.code, 'E_OFFSET_OUT_OF_RANGE')
      assert.deepEqual(found!.error?.at, { topic, partition: 0, offset })
      assert.match(found!.error!.message, message)
    }
  })

  it('reads a log whose batches are larger than it asks for', async () => {
    const topic = await topicOf()
    const values = [1, 2, 3].map((n) => `${n}`.repeat(500_000))
    for (const value of values) await write(topic, value)
    const found = await readAll(client, topic, {
      isolation: 'read_committed',
      maxBytes: 1_000,
      maxPartitionBytes: 1_000,
    })
    assert.deepEqual(valuesOf(found), values)
  })

  it('goes on over batches that compaction has emptied, where kafkajs hangs', async function () {
    this.timeout(60_000)
    const topic = await topicOf(1, {
      'cleanup.policy': 'compact',
      'segment.ms': '500',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '500',
      'delete.retention.ms': '500',
    })
    // Compaction keeps the header of the last batch of each producer, without its record.
    for (let i = 0; i < 15; i++) {
      const producer = await client.producer()
      await producer.send([{ ...placed(topic, `${i}`), key: Buffer.from('key') }])
    }
    const producer = await client.producer()
    const rolled = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 700))
      await producer.send([{ ...placed(topic, 'x'.repeat(300_000)), key: Buffer.from('other') }])
    }
    let emptied = 0
    for (let round = 0; round < 20 && emptied < 10; round++) {
      await rolled()
      const fetcher = client.fetcher({ isolation: 'read_committed', maxBytes: 500, maxPartitionBytes: 500 })
      emptied = 0
      const [end] = await client.listOffsets([{ topic, partition: 0, at: 'latest' }], {
        isolation: 'read_committed',
      })
      for (let offset = 0, polls = 0; offset < end!.offset!; polls++) {
        assert.ok(polls < 500, 'it makes progress')
        const [found] = await fetcher.poll([{ topic, partition: 0, offset }], { maxWaitMs: 100 })
        if (found === undefined) continue
        assert.equal(found.error, undefined)
        const last = found.records.at(-1)?.offset ?? offset - 1
        if (found.nextOffset > last + 1) emptied++
        offset = found.nextOffset
      }
      fetcher.close()
    }
    assert.ok(emptied > 0, 'there were answers without records')
    assert.equal((await readAll(client, topic)).at(-1)!.value!.length, 300_000)
  })

  it('is one reader: a second poll before the first has settled is refused', async () => {
    const topic = await topicOf()
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const positions = [{ topic, partition: 0, offset: 0 }]
    const first = fetcher.poll(positions, { maxWaitMs: 200 })
    await assert.rejects(fetcher.poll(positions, { maxWaitMs: 200 }), { code: 'E_FETCHER_BUSY' })
    await first
    assert.deepEqual(await fetcher.poll([], { maxWaitMs: 200 }), [])
  })
})
