import assert from 'node:assert/strict'
import { openKafkaClient } from '../../lib/brokers/kafka/client.js'
import type { KafkaClient } from '../../lib/brokers/kafka/kafka-client.js'
import { clients, createTopic, placed, readAll, valuesOf } from './client-support.js'
import { type KafkaProxy, openProxy } from './proxy.js'
import { describeOwnKafka } from './suite.js'
import { API } from './wire.js'

describeOwnKafka('a client of Kafka whose connection or broker fails', {}, (kafka) => {
  const { open } = clients()
  let proxy: KafkaProxy
  let client: KafkaClient
  let topic: string
  beforeEach(async () => {
    proxy = await openProxy(kafka().proxied[0]!)
    client = await open({ brokers: [proxy.address], requestTimeoutMs: 1_000 })
    topic = await createTopic(client, kafka().name('t'))
  })
  afterEach(() => {
    kafka().thaw()
    return proxy.close()
  })

  const direct = () => open({ brokers: [kafka().address] })
  const numbers = async (): Promise<number[]> =>
    valuesOf(await readAll(await direct(), topic, { isolation: 'read_uncommitted' })).map(Number)

  for (const fault of ['lose request', 'lose response', 'swallow response'] as const) {
    it(`writes once, and says where, when it has to repeat a send: ${fault}`, async () => {
      const producer = await client.producer()
      await producer.send([placed(topic, '0')])
      const done = proxy.inject(API.produce, fault)
      const appended = await producer.send([placed(topic, '1'), placed(topic, '2')])
      await done
      assert.deepEqual(appended, [{ topic, partition: 0, baseOffset: 1, count: 2 }])
      await producer.send([placed(topic, '3')])
      assert.deepEqual(await numbers(), [0, 1, 2, 3])
    })
  }

  it('writes all, in order and once, while connections are cut again and again', async () => {
    const producer = await client.producer()
    let next = 0
    const cutting = setInterval(() => proxy.cut(), 30)
    for (let i = 0; i < 100; i++) {
      const [appended] = await producer.send([placed(topic, `${i}`)])
      assert.equal(appended!.baseOffset, next++)
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    clearInterval(cutting)
    assert.deepEqual(await numbers(), [...Array(100).keys()])
  })

  it('writes once while the broker is killed and comes back', async function () {
    this.timeout(120_000)
    const producer = await client.producer()
    await producer.send([placed(topic, '0')])
    await kafka().kill9()
    const sending = producer.send([placed(topic, '1')])
    await kafka().start()
    assert.deepEqual(await sending, [{ topic, partition: 0, baseOffset: 1, count: 1 }])
    assert.deepEqual(await numbers(), [0, 1])
  })

  it('gives up a send in time, and a new producer can go on', async () => {
    const producer = await client.producer()
    await producer.send([placed(topic, '0')])
    kafka().freeze()
    // A signal takes its time.
    await new Promise((resolve) => setTimeout(resolve, 200))
    const start = performance.now()
    await assert.rejects(producer.send([placed(topic, '1')], { timeoutMs: 2_000 }), {
      code: 'E_BROKER_UNREACHABLE',
    })
    assert.ok(performance.now() - start < 5_000)
    kafka().thaw()
    await assert.rejects(producer.send([placed(topic, '2')]), { code: 'E_PRODUCER_SPENT' })
    await (await client.producer()).send([placed(topic, '3')])
    const found = (await numbers()).filter((n) => n !== 1)
    assert.deepEqual(found, [0, 3])
  })

  it('reads on after its connection was cut, and while the broker is away', async function () {
    this.timeout(120_000)
    const writer = await (await direct()).producer()
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    let offset = 0
    const read = async (): Promise<string[]> => {
      for (;;) {
        const [found] = await fetcher.poll([{ topic, partition: 0, offset }], { maxWaitMs: 200 })
        if (found === undefined || found.records.length === 0) continue
        offset = found.nextOffset
        return valuesOf(found.records)
      }
    }
    await writer.send([placed(topic, '0')])
    assert.deepEqual(await read(), ['0'])
    proxy.cut()
    await writer.send([placed(topic, '1')])
    assert.deepEqual(await read(), ['1'])
    const reading = read()
    await kafka().restart()
    await writer.send([placed(topic, '2')])
    assert.deepEqual(await reading, ['2'])
  })

  it('knows whether a transaction was committed though the answer got lost', async () => {
    for (const fault of ['lose request', 'lose response'] as const) {
      const transactionalId = kafka().name('x')
      const producer = await client.transactionalProducer({ transactionalId, transactionTimeoutMs: 30_000 })
      producer.begin()
      await producer.send([placed(topic, fault)])
      const done = proxy.inject(API.endTxn, fault)
      await producer.commit()
      await done
      producer.begin()
      await producer.send([placed(topic, 'after')])
      await producer.commit()
    }
    const values: string[] = []
    while (values.length < 4)
      values.splice(0, values.length, ...valuesOf(await readAll(await direct(), topic)))
    assert.deepEqual(values, ['lose request', 'after', 'lose response', 'after'])
  })

  it('says soon that no broker is there, and why', async () => {
    const start = performance.now()
    await assert.rejects(openKafkaClient({ brokers: ['127.0.0.1:1'] }, { timeoutMs: 300 }), {
      code: 'E_BROKER_UNREACHABLE',
      message: /127\.0\.0\.1:1.*ECONNREFUSED/,
    })
    assert.ok(performance.now() - start < 3_000)
    await assert.rejects(openKafkaClient({ brokers: ['nowhere'] }), { code: 'E_BROKER_ADDRESS' })
    await assert.rejects(openKafkaClient({ brokers: [] }), { code: 'E_BROKER_ADDRESS' })
  })

  it('ends what is under way when it is closed, and leaves no connection behind', async () => {
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const producer = await client.producer()
    const polling = fetcher.poll([{ topic, partition: 0, offset: 0 }], { maxWaitMs: 5_000 })
    await producer.send([placed(topic, '0')])
    await polling
    const waiting = assert.rejects(fetcher.poll([{ topic, partition: 0, offset: 1 }], { maxWaitMs: 5_000 }), {
      code: 'E_BROKER_CLOSED',
    })
    await client.close()
    await waiting
    await assert.rejects(producer.send([placed(topic, '1')]), { code: 'E_BROKER_CLOSED' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(proxy.connections(), 0)
  })
})
