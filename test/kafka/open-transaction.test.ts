import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'revlog/service'
import type { RevlogError } from '../../lib/core/errors.js'
import { createPrefetch } from '../../lib/service/kafka/prefetch.js'
import { applications } from '../service/protocol/sim-application.js'
import { clients, createTopic, placed } from './client-support.js'
import { describeKafka } from './suite.js'

describeKafka('a member that starts while another one has a transaction open', (kafka) => {
  const { open } = clients()
  const directory = mkdtempSync(join(tmpdir(), 'revlog-open-transaction-'))
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('does not wait for its end', async () => {
    const { orders, counts, counter } = applications(`${kafka().name('start')}-`)
    const client = await open({ brokers: [kafka().address] })
    await createTopic(client, orders.name)
    await createTopic(client, counts.name, 1, { 'cleanup.policy': 'compact' })
    const other = await client.transactionalProducer({
      transactionalId: `${counter.name}-of-another-task`,
      transactionTimeoutMs: 60_000,
    })
    other.begin()
    await other.sendOffsets({ group: counter.name }, [{ topic: orders.name, partition: 0, offset: 0 }])

    const started = Date.now()
    const service = await run(counter, {
      brokers: kafka().address,
      directory,
      processingGuarantee: 'exactly_once',
    })
    assert.ok(Date.now() - started < 10_000, `it took ${Date.now() - started} ms`)
    await other.abort()
    await service.caughtUp()
    await service.stop()
  })
})

describeKafka('a transaction that stays open', (kafka) => {
  const { open } = clients()
  const HELD_BACK_MS = 200

  async function begun() {
    const client = await open({ brokers: [kafka().address] })
    const topic = await createTopic(client, kafka().name('held'))
    const producer = await client.transactionalProducer({
      transactionalId: kafka().name('forgetful'),
      transactionTimeoutMs: 60_000,
    })
    producer.begin()
    return { client, topic, producer }
  }

  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

  it('in an input: what it holds back is said, and read when it has ended', async () => {
    const { client, topic, producer } = await begun()
    await (await client.producer()).send([placed(topic, 'before')])
    await producer.send([placed(topic, 'within')])
    await (await client.producer()).send([placed(topic, 'after')])
    const said: RevlogError[] = []
    const prefetch = createPrefetch({
      client,
      isolation: 'read_committed',
      bytes: () => 1 << 20,
      onData: () => {},
      onError: (error) => assert.fail(error),
      onHeldBack: (warning) => said.push(warning),
      heldBackMs: HELD_BACK_MS,
    })
    prefetch.add(topic, 0, 0, 0)
    const read: string[] = []
    const readOn = (): void => {
      const { records } = prefetch.read({ topic, partition: 0, offset: 0 })
      read.push(...records.map(({ value }) => value!.toString()))
    }
    const started = Date.now()
    for (; said.length === 0; readOn()) await turn()
    assert.ok(Date.now() - started >= HELD_BACK_MS)
    assert.deepEqual(read, ['before'])
    assert.equal(said[0]!.code, 'E_TRANSACTION_OPEN')
    assert.deepEqual(said[0]!.at, { topic, partition: 0, offset: 1 })

    await producer.commit()
    for (; read.length < 3; readOn()) await turn()
    assert.deepEqual(read, ['before', 'within', 'after'])
    assert.equal(said.length, 1)
    await prefetch.close()
  })

  it('in the positions of a group: whoever waits for them is told what to do', async () => {
    const { client, topic, producer } = await begun()
    const group = kafka().name('group')
    await producer.sendOffsets({ group }, [{ topic, partition: 0, offset: 7 }])
    const positions = () => client.committedOffsets(group, [{ topic, partition: 0 }], { timeoutMs: 300 })
    await assert.rejects(positions(), {
      code: 'E_KAFKA_UNSTABLE_OFFSET_COMMIT',
      remedy: /kafka-transactions\.sh/,
    })
    await producer.commit()
    assert.equal((await positions())[0]!.offset, 7)
  })
})
