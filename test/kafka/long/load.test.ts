import assert from 'node:assert/strict'
import { json, stream, string, topic, topology } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../../lib/brokers/kafka/broker.js'
import { inDirectory, tableOf, withCode } from '../../service/support.js'
import { alterTopic, createRawTopic } from '../admin.js'
import { readAll, valuesOf } from '../client-support.js'
import { countersOn } from '../counter.js'
import { openProxy } from '../proxy.js'
import { describeOwnKafka } from '../suite.js'
import { API } from '../wire.js'

const MIB = 1 << 20
const KEEP = { 'retention.ms': '-1' }
const GUARANTEES = ['at_least_once', 'exactly_once'] as const

describeOwnKafka('a service on Apache Kafka under load', { proxies: 1 }, (kafka) => {
  const { counter, start } = countersOn(kafka)
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())

  const record = (topic: string, key: string, value: string | Buffer, partition = 0) => ({
    ...{ topic, partition, key: Buffer.from(key), value: Buffer.from(value) },
    ...{ timestamp: Date.now(), headers: [] },
  })

  it('answers the other partitions while one key has most of the records', () =>
    inDirectory(async (directory) => {
      const name = kafka().name('skewed')
      const input = topic(`${name}-in`, { key: string(), value: json<number>() })
      const output = topic(`${name}-out`, { key: string(), value: json<number>() })
      for (const one of [input, output]) await createRawTopic(kafka().address, one.name, KEEP, 2)
      const [hot, cold] = [3_000, 50]
      await broker.produce([
        ...Array.from({ length: hot }, (_, n) => record(input.name, 'hot', `${n}`, 0)),
        ...Array.from({ length: cold }, (_, n) => record(input.name, `cold-${n}`, `${n}`, 1)),
      ])
      const seen: string[] = []
      const work = (n: number, key: string): number => {
        seen.push(key)
        for (const end = performance.now() + (key === 'hot' ? 1 : 0); performance.now() < end; );
        return n
      }
      const application = topology(name, [
        stream(input).mapValues(work, { value: json<number>() }).to(output),
      ])
      const service = await run(application, { brokers: kafka().address, directory })
      await service.caughtUp()
      await service.stop()
      assert.equal(seen.length, hot + cold)
      const last = seen.findLastIndex((key) => key !== 'hot')
      assert.ok(last < hot, `the last of the others was record ${last}`)
    }))

  for (const processingGuarantee of GUARANTEES) {
    it(`holds a bounded amount while its answers are not taken, and goes on when they are, ${processingGuarantee}`, () =>
      inDirectory(async (directory) => {
        const name = kafka().name('slow')
        const input = topic(`${name}-in`, { key: string(), value: string() })
        const output = topic(`${name}-out`, { key: string(), value: string() })
        for (const one of [input, output]) await createRawTopic(kafka().address, one.name, KEEP)
        const records = 4_500
        const value = 'x'.repeat(16_384)
        for (let sent = 0; sent < records; sent += 500) {
          await broker.produce(
            Array.from({ length: 500 }, (_, n) => record(input.name, `${sent + n}`, value)),
          )
        }
        let processed = 0
        const proxy = await openProxy(kafka().proxied[0]!)
        const held = proxy.inject(API.produce, 'swallow response')
        const events: ServiceEvent[] = []
        const service = await run(
          topology(name, [
            stream(input)
              .peek(() => processed++)
              .to(output),
          ]),
          {
            ...{ brokers: proxy.address, directory, processingGuarantee },
            onEvent: (event) => events.push(event),
          },
        )
        try {
          await held
          for (let before = -1; processed !== before; ) {
            before = processed
            await new Promise((resolve) => setTimeout(resolve, 1_000))
          }
          // What a commit sends, what the next one will, and what they may have more: records between two looks.
          const waiting = (processed * value.length) / MIB
          assert.ok(waiting < 2 * (16 + 8), `${waiting} MiB wait for their commit`)
          const read = proxy.answered() / MIB - waiting
          assert.ok(read < 32 + 8, `${read} MiB more were read ahead`)
          proxy.cut()
          await service.caughtUp()
          assert.equal(processed, records)
          let answers = 0
          for (const _ of await tableOf(service, output)) answers++
          assert.equal(answers, records)
          assert.equal(events.filter(({ kind }) => kind === 'assigned').length, 1)
        } finally {
          await service.stop()
          await proxy.close()
        }
      }))

    it(`stops when a dead letter cannot be written, and loses neither it nor what was before, ${processingGuarantee}`, () =>
      inDirectory(async (directory) => {
        const app = await counter()
        const dead = topic(kafka().name('dead'), { key: string(), value: string() })
        await createRawTopic(kafka().address, dead.name, { ...KEEP, 'max.message.bytes': '1000' })
        const options = {
          processingGuarantee,
          onError: { deserialization: 'dead-letter', deadLetterTopic: dead.name },
        } as const
        const good = record(app.input.name, 'ada', '{"n":1}')
        const bad = record(app.input.name, 'ada', 'x'.repeat(2_000))
        await broker.produce([good, good, bad, good])
        const refused = await start(app, directory, [], options)
        await assert.rejects(refused.finished, withCode('E_RECORD_TOO_LARGE', dead.name))
        await alterTopic(kafka().address, dead.name, KEEP)
        const service = await start(app, directory, [], options)
        await service.caughtUp()
        const [row] = await tableOf(service, app.output)
        assert.equal(row![1].count, 3)
        await service.stop()
        assert.deepEqual(valuesOf(await readAll(broker.client, dead.name)), ['x'.repeat(2_000)])
      }))
  }
})
