import assert from 'node:assert/strict'
import type { KafkaClient } from '../../lib/brokers/kafka/kafka-client.js'
import { clients, createTopic, placed, readAll, valuesOf } from './client-support.js'
import { describeKafka } from './suite.js'

describeKafka('a transaction', (kafka) => {
  const { open } = clients()
  let client: KafkaClient
  let topic: string
  beforeEach(async () => {
    client = await open({ brokers: [kafka().address] })
    topic = await createTopic(client, kafka().name('t'), 2)
  })
  const producerOf = (transactionalId = kafka().name('x')) =>
    client.transactionalProducer({ transactionalId, transactionTimeoutMs: 30_000 })
  const committed = async (partition = 0): Promise<string[]> =>
    valuesOf(await readAll(client, topic, { partition, isolation: 'read_committed' }))

  it('shows its records when it is committed, never when it is aborted', async () => {
    const producer = await producerOf()
    producer.begin()
    await producer.send([placed(topic, 'a'), placed(topic, 'b', 1)])
    await producer.send([placed(topic, 'c')])
    assert.deepEqual(await committed(), [], 'not yet')
    await producer.commit()
    producer.begin()
    await producer.send([placed(topic, 'aborted')])
    await producer.abort()
    producer.begin()
    await producer.send([placed(topic, 'd')])
    await producer.commit()
    const eventually = async (): Promise<string[]> => {
      for (;;) {
        const values = await committed()
        if (values.length >= 3) return values
      }
    }
    assert.deepEqual(await eventually(), ['a', 'c', 'd'])
    assert.deepEqual(await committed(1), ['b'])
    assert.equal((await readAll(client, topic, { isolation: 'read_uncommitted' })).length, 4)
  })

  it('commits offsets of a group with its records, and a reader of stable offsets waits for it', async () => {
    const group = kafka().name('g')
    const producer = await producerOf()
    const offsets = (offset: number) => [{ topic, partition: 0, offset }]
    producer.begin()
    await producer.send([placed(topic, 'a')])
    await producer.sendOffsets({ group }, offsets(5))
    const partition = [{ topic, partition: 0 }]
    const unstable = await client.committedOffsets(group, partition, { requireStable: false })
    assert.equal(unstable[0]!.offset, undefined)
    await assert.rejects(client.committedOffsets(group, partition, { timeoutMs: 200 }), {
      code: 'E_KAFKA_UNSTABLE_OFFSET_COMMIT',
    })
    const stable = client.committedOffsets(group, partition)
    await producer.commit()
    assert.equal((await stable)[0]!.offset, 5)
    producer.begin()
    await producer.sendOffsets({ group }, offsets(9))
    await producer.abort()
    assert.equal((await client.committedOffsets(group, partition))[0]!.offset, 5)
  })

  it('takes offsets from members of the group only', async () => {
    const producer = await producerOf()
    producer.begin()
    const stranger = { group: kafka().name('g'), memberId: 'stranger', generation: 3 }
    await assert.rejects(producer.sendOffsets(stranger, [{ topic, partition: 0, offset: 1 }]), {
      code: /^E_KAFKA_(UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION)$/,
    })
    assert.notEqual(producer.spent, undefined)
  })

  it('of an owner that was replaced is aborted, and the owner hears that it is fenced', async () => {
    const id = kafka().name('x')
    const [first, group] = [await producerOf(id), kafka().name('g')]
    first.begin()
    await first.send([placed(topic, 'of the first')])
    const second = await producerOf(id)
    assert.equal(second.producerId, first.producerId)
    assert.ok(second.producerEpoch > first.producerEpoch)
    await assert.rejects(first.commit(), { code: 'E_KAFKA_PRODUCER_FENCED' })
    await assert.rejects(first.abort(), { code: 'E_PRODUCER_SPENT' })
    second.begin()
    await second.send([placed(topic, 'of the second')])
    await second.sendOffsets({ group }, [{ topic, partition: 0, offset: 1 }])
    await second.commit()
    await client.committedOffsets(group, [{ topic, partition: 0 }])
    assert.deepEqual(await committed(), ['of the second'])
  })

  it('without anything in it costs no request, and mistakes in the order of calls are said', async () => {
    const producer = await producerOf()
    await assert.rejects(producer.send([placed(topic, 'a')]), { code: 'E_TRANSACTION_STATE' })
    producer.begin()
    assert.throws(() => producer.begin(), { code: 'E_TRANSACTION_STATE' })
    await producer.commit()
    await assert.rejects(producer.commit(), { code: 'E_TRANSACTION_STATE' })
    assert.equal(producer.spent, undefined)
  })
})
