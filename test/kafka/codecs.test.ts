import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import { stream, string, topic, topology } from 'revlog'
import { run } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { produceRequest } from '../../lib/brokers/kafka/wire/produce.js'
import { fixture } from '../brokers/kafka/batches.js'
import { inDirectory, withCode } from '../service/support.js'
import { createRawTopic } from './admin.js'
import { describeKafka } from './suite.js'

const READABLE = ['gzip', 'lz4', ...('zstdDecompressSync' in zlib ? ['zstd'] : [])]
const FIXTURE_RECORDS = 6

describeKafka('batches that the Java client compressed', (kafka) => {
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())

  /** A topic with a record of ours and then a batch of the Java client's, as it came from its log. */
  async function holding(codec: string): Promise<string> {
    const name = kafka().name(codec)
    await createRawTopic(kafka().address, name, { 'retention.ms': '-1' })
    const ours = { topic: name, partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), headers: [] }
    await broker.produce([{ ...ours, timestamp: Date.now() }])
    const batches = [{ topic: name, partition: 0, bytes: fixture(codec) }]
    const request = produceRequest({ transactionalId: undefined, timeoutMs: 5_000, batches })
    const [answer] = await broker.client.ask(request)
    assert.deepEqual([answer!.errorCode, answer!.baseOffset], [0, 1])
    return name
  }
  /** A topology that reads it, and writes what it has read. */
  async function reading(name: string) {
    const input = topic(name, { key: string(), value: string() })
    const output = topic(`${name}-out`, { key: string(), value: string() })
    await createRawTopic(kafka().address, output.name, { 'retention.ms': '-1' })
    const app = topology(name, [
      stream(input)
        .filter((value) => value !== undefined)
        .to(output),
    ])
    return { app, output }
  }

  for (const codec of READABLE) {
    it(`are read by a service with ${codec}`, () =>
      inDirectory(async (directory) => {
        const { app, output } = await reading(await holding(codec))
        const service = await run(app, { brokers: kafka().address, directory })
        await service.caughtUp()
        assert.deepEqual(await broker.endOffsets(output.name), [1 + FIXTURE_RECORDS])
        await service.stop()
      }))
  }

  for (const codec of ['snappy', 'zstd'].filter((name) => !READABLE.includes(name))) {
    it(`stop a service with ${codec}, with their place and what to do`, () =>
      inDirectory(async (directory) => {
        const name = await holding(codec)
        const { app } = await reading(name)
        const service = await run(app, { brokers: kafka().address, directory })
        const remedy = codec === 'snappy' ? 'use gzip, lz4' : 'Node 22.15'
        const said = [`topic ${name}, partition 0, offset 1`, codec, remedy]
        await assert.rejects(service.finished, withCode('E_COMPRESSION', ...said))
      }))
  }
})
