import assert from 'node:assert/strict'
import { run, type ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../../lib/brokers/kafka/broker.js'
import { inDirectory } from '../../service/support.js'
import { clients, createTopic, placed, readAll, valuesOf } from '../client-support.js'
import { openProxy } from '../proxy.js'
import { type Quota, setQuotas } from '../quotas.js'
import { countingOf, createTopics, tablesOf, truthOf, visitsOf } from '../service/counting.js'
import { describeOwnKafka } from '../suite.js'
import { API } from '../wire.js'

/** The broker looks at so many last seconds: what is beyond their quota is made up for by waiting. */
const WINDOW_S = 2
const PROPERTIES = { 'quota.window.num': `${WINDOW_S + 1}` }

describeOwnKafka('a client that the broker throttles', { proxies: 1, properties: PROPERTIES }, (kafka) => {
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

  /** So little that a service soon has to wait; at least once has more to write, for its outbox. */
  const QUOTAS: readonly (readonly [
    'at_least_once' | 'exactly_once',
    { readonly [quota in Quota]?: number },
  ])[] = [
    ['at_least_once', { producer_byte_rate: 120_000, consumer_byte_rate: 60_000 }],
    ['at_least_once', { request_percentage: 1 }],
    ['exactly_once', { producer_byte_rate: 80_000, consumer_byte_rate: 40_000 }],
    ['exactly_once', { request_percentage: 2 }],
  ]
  for (const [processingGuarantee, quotas] of QUOTAS) {
    const names = Object.keys(quotas).join(' and ')
    it(`${processingGuarantee}, ${names}: a service stays in its group, waits, and ends exact`, () =>
      inDirectory(async (directory) => {
        const feeder: KafkaBroker = await openKafkaBroker({ brokers: [kafka().address] })
        const counting = countingOf(kafka().name('app'))
        const { name } = counting.topology
        await createTopics(kafka().address, counting, 2)
        const events: ServiceEvent[] = []
        const service = await run(counting.topology, {
          ...{ brokers: kafka().address, directory, processingGuarantee },
          onEvent: (event) => events.push(event),
        })
        await service.caughtUp()
        await setQuotas(kafka().address, name, quotas)
        let fed = 0
        // How soon a quota is used up depends on the machine.
        for (let slowest = 0; slowest < 1_000; ) {
          const started = performance.now()
          await feeder.produce(visitsOf(counting, fed, fed + VISITS))
          fed += VISITS
          await service.caughtUp()
          slowest = Math.max(slowest, performance.now() - started)
        }
        await service.stop()
        assert.deepEqual(await tablesOf(feeder, counting), truthOf(fed))
        assert.deepEqual(
          events.map(({ kind }) => kind),
          ['running', 'assigned'],
        )
        await feeder.close()
      }))
  }
})

const VISITS = 500
