import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { json, stream, string, topic, topology } from 'revlog'
import { type RunOptions, run, type Service } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { inDirectory, tableOf, withCode } from '../service/support.js'
import { alterTopic, createRawTopic } from './admin.js'
import { describeKafka } from './suite.js'

const MEGABYTE = 1_000_000
const KEEP = { 'retention.ms': '-1' }
const COMPACT = { 'cleanup.policy': 'compact' }
const LARGE = { 'max.message.bytes': `${8 * MEGABYTE}` }

interface Page {
  readonly text: string
}

describeKafka('records that are larger than a fetch, on Apache Kafka', (kafka) => {
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())

  /** Keeps the last page of each key, and answers with it; pages that cannot be read go to the dead letters. */
  async function pages(
    settings: Partial<
      Record<'output' | 'letters' | 'changelog', { readonly [setting: string]: string }>
    > = {},
  ) {
    const name = kafka().name('pages')
    const input = topic(`${name}-in`, { key: string(), value: json<Page>() })
    const output = topic(`${name}-out`, { key: string(), value: json<Page>() })
    const letters = topic(`${name}-letters`, { key: string(), value: string() })
    const changelog = `${name}-last-changelog`
    const { address } = kafka()
    await createRawTopic(address, input.name, { ...KEEP, ...LARGE })
    await createRawTopic(address, output.name, { ...COMPACT, ...LARGE, ...settings.output })
    await createRawTopic(address, letters.name, { ...KEEP, ...LARGE, ...settings.letters })
    if (settings.changelog !== undefined) {
      await createRawTopic(address, changelog, { ...COMPACT, ...settings.changelog })
    }
    const last = stream(input)
      .groupByKey()
      .reduce((_, page) => page, { name: 'last' })
    const app = topology(name, [last.toStream().to(output)])
    return { app, input, output, letters, changelog }
  }
  type Pages = Awaited<ReturnType<typeof pages>>

  const start = ({ app, letters }: Pages, directory: string, options: RunOptions = {}): Promise<Service> =>
    run(app, {
      ...{ brokers: kafka().address, directory },
      onError: { deserialization: 'dead-letter', deadLetterTopic: letters.name },
      ...options,
    })
  const page = (letter: string, megabytes: number): Page => ({ text: letter.repeat(megabytes * MEGABYTE) })
  const write = (service: Service, { input }: Pages, key: string, value: Page): Promise<void> =>
    service.produce(input, [{ key, value }])
  const lengths = async (service: Service, { output }: Pages): Promise<unknown> =>
    (await tableOf(service, output)).map(([key, { text }]) => [key, text[0], text.length / MEGABYTE])

  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`${processingGuarantee}: pass through state, outputs, changelog and dead letters`, () =>
      inDirectory(async (directory) => {
        const shelf = await pages()
        const service = await start(shelf, directory, { processingGuarantee })
        await write(service, shelf, 'one', page('a', 3))
        await write(service, shelf, 'two', page('b', 5))
        const bad = { ...placeOf(shelf.input.name), value: Buffer.alloc(3 * MEGABYTE, 'x') }
        await broker.produce([bad])
        await service.caughtUp()
        assert.deepEqual(await lengths(service, shelf), [
          ['one', 'a', 3],
          ['two', 'b', 5],
        ])
        const { records } = await broker.fetch({ topic: shelf.letters.name, partition: 0, offset: 0 })
        assert.deepEqual(
          records.map(({ value }) => value?.equals(bad.value)),
          [true],
        )
        await service.stop()
        rmSync(directory, { recursive: true })
        const restored = await start(shelf, directory, { processingGuarantee })
        await write(restored, shelf, 'one', page('c', 4))
        await restored.caughtUp()
        assert.deepEqual(await lengths(restored, shelf), [
          ['one', 'c', 4],
          ['two', 'b', 5],
        ])
        await restored.stop()
      }))
  }

  for (const where of ['output', 'changelog', 'letters'] as const) {
    it(`that are too large for the ${where} stop it, and pass when the topic takes them`, () =>
      inDirectory(async (directory) => {
        const shelf = await pages({ [where]: { 'max.message.bytes': `${2 * MEGABYTE}` } })
        const name = where === 'changelog' ? shelf.changelog : shelf[where].name
        const service = await start(shelf, directory)
        await write(service, shelf, 'one', page('a', 1))
        await service.caughtUp()
        const bad = { ...placeOf(shelf.input.name), value: Buffer.alloc(3 * MEGABYTE, 'x') }
        if (where === 'letters') await broker.produce([bad])
        else await write(service, shelf, 'one', page('b', 3))
        const said = [`topic ${name}, partition 0`, `may have ${2 * MEGABYTE}`, 'raise max.message.bytes']
        await assert.rejects(service.finished, withCode('E_RECORD_TOO_LARGE', ...said))
        await alterTopic(kafka().address, name, { ...(where === 'letters' ? KEEP : COMPACT), ...LARGE })
        const again = await start(shelf, directory)
        await again.caughtUp()
        assert.deepEqual(await lengths(again, shelf), [
          ['one', ...(where === 'letters' ? ['a', 1] : ['b', 3])],
        ])
        assert.deepEqual(await broker.endOffsets(shelf.letters.name), [where === 'letters' ? 1 : 0])
        await again.stop()
      }))
  }

  it('that the topic itself does not take are refused before anything is written, with size and limit', async () => {
    const shelf = await pages()
    const records = [1, 9].map((n) => ({ ...placeOf(shelf.input.name), value: Buffer.alloc(n * MEGABYTE) }))
    const said = [`topic ${shelf.input.name}, partition 0`, `may have ${8 * MEGABYTE}`, 'record 1 needs']
    await assert.rejects(broker.produce(records), withCode('E_RECORD_TOO_LARGE', ...said))
    assert.deepEqual(await broker.endOffsets(shelf.input.name), [0])
  })

  const placeOf = (name: string) => ({
    ...{ topic: name, partition: 0, key: Buffer.from('bad'), timestamp: Date.now(), headers: [] },
  })
})
