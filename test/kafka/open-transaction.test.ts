import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'revlog/service'
import { applications } from '../service/protocol/sim-application.js'
import { clients, createTopic } from './client-support.js'
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
