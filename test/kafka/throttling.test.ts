import assert from 'node:assert/strict'
import { run, type ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { inDirectory } from '../service/support.js'
import { clients, createTopic, placed, readAll, valuesOf } from './client-support.js'
import { openProxy } from './proxy.js'
import { type Quota, setQuotas } from './quotas.js'
import { countingOf, createTopics, tablesOf, truthOf, visitsOf } from './service/counting.js'
import { describeOwnKafka } from './suite.js'
import { API } from './wire.js'

/** A broker looks at the last ten seconds: what is beyond their quota is to be made up for by waiting. */
const WINDOW_S = 10

describeOwnKafka('a client that the broker throttles', { proxies: 1 }, (kafka) => {
  const { open } = clients()

  it('waits as long as it is told, on the connection that it has, and sends nothing twice', async () => {
    const proxy = await openProxy(kafka().proxied[0]!)
    const clientId = kafka().name('client')
    const client = await open({ brokers: [proxy.address], clientId, requestTimeoutMs: 500 })
    const topic = await createTopic(client, kafka().name('t'))
    await setQuotas(kafka().address, clientId, { producer_byte_rate: 20_000 })
    const producer = await client.producer()
    await producer.send([placed(topic, 'x'.repeat(20_000 * (WINDOW_S + 2)))])
    const connections = proxy.connections()
    const started = performance.now()
    await producer.send([placed(topic, 'after')])
    const waited = performance.now() - started
    assert.ok(waited > 1_000, `it has waited for ${waited} ms`)
    assert.equal(proxy.requests(API.produce), 2)
    assert.equal(proxy.connections(), connections)
    const values = valuesOf(await readAll(await open({ brokers: [kafka().address] }), topic))
    assert.deepEqual(
      values.map((value) => value.slice(0, 5)),
      ['xxxxx', 'after'],
    )
    await proxy.close()
  })

  it('can be closed while it waits', async () => {
    const clientId = kafka().name('client')
    const client = await open({ brokers: [kafka().address], clientId })
    const topic = await createTopic(client, kafka().name('t'))
    await setQuotas(kafka().address, clientId, { producer_byte_rate: 1_000 })
    const producer = await client.producer()
    await producer.send([placed(topic, 'x'.repeat(100_000))])
    const sending = assert.rejects(producer.send([placed(topic, 'after')]), { code: 'E_BROKER_CLOSED' })
    const started = performance.now()
    await client.close()
    await sending
    assert.ok(performance.now() - started < 5_000)
  })

  const QUOTAS: readonly { readonly [quota in Quota]?: number }[] = [
    { producer_byte_rate: 15_000, consumer_byte_rate: 15_000 },
    { request_percentage: 0.1 },
  ]
  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`${processingGuarantee}: a service stays in its group, waits, and ends exact`, () =>
      inDirectory(async (directory) => {
        const feeder: KafkaBroker = await openKafkaBroker({ brokers: [kafka().address] })
        await Promise.all(
          QUOTAS.map(async (quotas, i) => {
            const counting = countingOf(kafka().name('app'))
            const { name } = counting.topology
            await createTopics(kafka().address, counting, 2)
            await setQuotas(kafka().address, name, quotas)
            await feeder.produce(visitsOf(counting, 0, VISITS))
            const events: ServiceEvent[] = []
            const started = performance.now()
            const service = await run(counting.topology, {
              brokers: kafka().address,
              directory: `${directory}/${i}`,
              processingGuarantee,
              onEvent: (event) => events.push(event),
            })
            await service.caughtUp()
            assert.ok(performance.now() - started > 1_000, 'it was throttled')
            await service.stop()
            assert.deepEqual(await tablesOf(feeder, counting), truthOf(VISITS))
            assert.deepEqual(
              events.map(({ kind }) => kind).filter((kind) => kind === 'lost' || kind === 'retrying'),
              [],
            )
          }),
        )
        await feeder.close()
      }))
  }
})

const VISITS = 3_000
