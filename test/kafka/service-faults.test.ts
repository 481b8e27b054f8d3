import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RevlogError } from 'revlog'
import type { ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { openKafkaClient } from '../../lib/brokers/kafka/client.js'
import { checkOutputs, checkPartitions } from '../../lib/service/kafka/upkeep.js'
import { inDirectory, withCode } from '../service/support.js'
import { addPartitions, createRawTopic, deleteRecords, deleteTopic } from './admin.js'
import { countersOn } from './counter.js'
import { describeKafka } from './suite.js'

describeKafka('what a service on Apache Kafka does when things are not as they were', (kafka) => {
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())

  const { counter, start, produce, countOf, lived } = countersOn(kafka)

  it('input that was deleted before it was read stops it, with the offsets', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      const values = Array.from({ length: 4 }, () => record(app.input.name))
      await broker.produce(values)
      await deleteRecords(kafka().address, app.input.name, 5)
      const service = await start(app, directory)
      await assert.rejects(service.finished, withCode('E_INPUT_TRUNCATED', '3 to 4'))
    }))

  const skippedIn = (events: readonly ServiceEvent[]): string[] =>
    events.flatMap((event) =>
      event.kind === 'warning' && event.code === 'E_INPUT_TRUNCATED' ? [event.problem] : [],
    )

  for (const [offsetReset, skipped, count] of [
    ['earliest', '3 to 4', 4],
    ['latest', '3 to 5', 3],
  ] as const) {
    it(`${offsetReset}: goes on without input that was deleted before it was read, and says what that was`, () =>
      inDirectory(async (directory) => {
        const app = await counter()
        await lived(app, directory)
        await broker.produce(Array.from({ length: 3 }, () => record(app.input.name)))
        await deleteRecords(kafka().address, app.input.name, 5)
        const events: ServiceEvent[] = []
        const service = await start(app, directory, events, { offsetReset })
        await service.caughtUp()
        assert.equal(await countOf(service, app), count)
        const [said, ...more] = skippedIn(events)
        assert.match(
          said!,
          new RegExp(`^the records ${skipped} of ${app.input.name}, partition 0, are skipped`),
        )
        assert.deepEqual(more, [])
        await produce(service, app, 1)
        await service.caughtUp()
        assert.equal(await countOf(service, app), count + 1)
        await service.stop()
        const after: ServiceEvent[] = []
        await (await start(app, directory, after)).stop()
        assert.deepEqual(skippedIn(after), [])
      }))
  }

  for (const offsetReset of ['earliest', 'latest'] as const) {
    it(`${offsetReset}: goes on without input that is deleted while it waits for it`, () =>
      inDirectory(async (directory) => {
        const app = await counter()
        const events: ServiceEvent[] = []
        const service = await start(app, directory, events, { offsetReset })
        await produce(service, app, 3)
        await service.caughtUp()
        const client = await openKafkaClient({ brokers: [kafka().address] })
        try {
          // An open transaction holds it back from what is there, so that this can be deleted before it is read.
          const other = await client.transactionalProducer({
            transactionalId: kafka().name('other'),
            transactionTimeoutMs: 60_000,
          })
          other.begin()
          await other.send([0, 1].map(() => ({ ...record(app.input.name), partition: 0 })))
          await produce(service, app, 1)
          await deleteRecords(kafka().address, app.input.name, 5)
          while (skippedIn(events).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
          assert.match(skippedIn(events)[0]!, /^the records 3 to 4 /)
          await other.abort()
        } finally {
          await client.close()
        }
        while ((await countOf(service, app)) < 4) await new Promise((resolve) => setTimeout(resolve, 20))
        assert.equal(skippedIn(events).length, 1)
        await service.stop()
      }))
  }

  it('an input that is deleted while it is read stops it, and the state is kept', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      const service = await start(app, directory)
      await produce(service, app, 3)
      await service.caughtUp()
      await deleteTopic(kafka().address, app.input.name)
      await assert.rejects(service.finished, withCode('E_SOURCE_TOPIC_DELETED', app.input.name))
      assert.ok(existsSync(join(directory, 'tasks', 'counts_0')))
    }))

  it('a changelog that is gone is not made again', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      await deleteTopic(kafka().address, app.changelog)
      await assert.rejects(start(app, directory), withCode('E_TOPIC_MISSING', app.changelog))
      rmSync(directory, { recursive: true })
      await assert.rejects(start(app, directory), withCode('E_TOPIC_MISSING', app.changelog))
    }))

  it('a changelog that was made anew is not believed', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      await deleteTopic(kafka().address, app.changelog)
      await createRawTopic(kafka().address, app.changelog, { 'cleanup.policy': 'compact' })
      const shorter = await start(app, directory)
      await assert.rejects(shorter.finished, withCode('E_CHANGELOG_TRUNCATED', app.changelog))
      rmSync(directory, { recursive: true })
      const empty = await start(app, directory)
      await assert.rejects(empty.finished, withCode('E_CHANGELOG_MISSING', app.changelog))
    }))

  it('another changelog of the same name and more records is not believed', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      await deleteTopic(kafka().address, app.changelog)
      await createRawTopic(kafka().address, app.changelog, { 'cleanup.policy': 'compact' })
      await broker.produce(Array.from({ length: 50 }, (_, n) => record(app.changelog, `\x01key-${n}`)))
      const service = await start(app, directory)
      await assert.rejects(service.finished, withCode('E_CHANGELOG_REPLACED', app.changelog))
    }))

  it('who writes to its changelog makes it start anew, and nothing is counted twice', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      const events: ServiceEvent[] = []
      const service = await start(app, directory, events)
      await produce(service, app, 2)
      await service.caughtUp()
      await broker.produce([record(app.changelog, '\x01ada')])
      await produce(service, app, 2)
      await service.caughtUp()
      assert.equal(await countOf(service, app), 4)
      assert.ok(events.some(({ kind }) => kind === 'retrying'))
      await service.stop()
      rmSync(directory, { recursive: true })
      const restored = await start(app, directory)
      await produce(restored, app, 1)
      await restored.caughtUp()
      assert.equal(await countOf(restored, app), 5)
      await restored.stop()
    }))

  it('the state of another application is not used', () =>
    inDirectory(async (directory) => {
      const one = await counter()
      const other = await counter()
      await lived(one, join(directory, 'one'))
      cpSync(join(directory, 'one', 'tasks'), join(directory, 'other', 'tasks'), { recursive: true })
      const service = await start(other, join(directory, 'other'))
      await assert.rejects(service.finished, withCode('E_STATE_FOREIGN', one.name))
    }))

  for (const [how, damage] of [
    ['cut off', (file: string) => truncateSync(file, 5_000)],
    ['empty', (file: string) => truncateSync(file, 0)],
    ['garbage', (file: string) => writeFileSync(file, Buffer.alloc(65_536, 7))],
  ] as const) {
    it(`a data file that is ${how} is put aside, and the state restored`, () =>
      inDirectory(async (directory) => {
        const app = await counter()
        await lived(app, directory)
        damage(join(directory, 'tasks', 'counts_0', 'state', 'data.mdb'))
        const events: ServiceEvent[] = []
        const service = await start(app, directory, events)
        await produce(service, app, 1)
        await service.caughtUp()
        assert.equal(await countOf(service, app), 4)
        assert.ok(events.some(({ kind }) => kind === 'discarded' || kind === 'restored'))
        await service.stop()
      }))
  }

  it('a machine that went down while the state was in use makes it restore', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      const [task] = readdirSync(join(directory, 'tasks'))
      const about = join(directory, 'tasks', task!, 'about.json')
      const { cluster } = await import('node:fs').then((fs) => JSON.parse(fs.readFileSync(about, 'utf8')))
      writeFileSync(
        about,
        JSON.stringify({
          format: 1,
          cluster,
          application: app.name,
          task,
          boot: 'another',
          clean: false,
          usedAt: Date.now(),
        }),
      )
      const events: ServiceEvent[] = []
      const service = await start(app, directory, events)
      await produce(service, app, 1)
      await service.caughtUp()
      assert.equal(await countOf(service, app), 4)
      assert.ok(events.some((event) => event.kind === 'discarded' && event.reason.includes('machine')))
      await service.stop()
    }))

  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`${processingGuarantee}: an answer that is too large stops it, and what was before it is kept`, () =>
      inDirectory(async (directory) => {
        const app = await counter({ 'max.message.bytes': '2000' })
        const service = await start(app, directory, [], { processingGuarantee })
        await produce(service, app, 5)
        await service.caughtUp()
        await produce(service, app, 1)
        await assert.rejects(service.finished, withCode('E_RECORD_TOO_LARGE', app.output.name))
      }))
  }

  it('an answer whose time the broker refuses stops it', () =>
    inDirectory(async (directory) => {
      const app = await counter({ 'message.timestamp.before.max.ms': '3600000' })
      const service = await start(app, directory)
      await service.produce(app.input, [{ key: 'ada', value: { n: 1 }, timestamp: 86_400_000 }])
      await assert.rejects(service.finished, withCode('E_RECORD_TIMESTAMP', app.output.name))
    }))

  it('partitions that are added to an input are noticed', async () => {
    const app = await counter()
    const failures: unknown[] = []
    const look = () =>
      checkPartitions({
        admin: broker.admin,
        partitions: new Map([[app.input.name, 1]]),
        onFailure: (error) => failures.push(error),
      })
    await look()
    assert.deepEqual(failures, [])
    await addPartitions(kafka().address, app.input.name, 2)
    await look()
    assert.ok(withCode('E_PARTITION_COUNT_CHANGED', app.input.name)(failures[0]))
  })

  it('partitions that are added to an output are said, once', async () => {
    const app = await counter()
    const warnings: RevlogError[] = []
    const told = new Map<string, number>()
    const look = () =>
      checkOutputs(
        {
          admin: broker.admin,
          outputs: new Map([[app.output.name, 1]]),
          onWarning: (error) => warnings.push(error),
        },
        told,
      )
    await look()
    assert.deepEqual(warnings, [])
    await addPartitions(kafka().address, app.output.name, 2)
    await look()
    await look()
    assert.equal(warnings.length, 1)
    assert.ok(withCode('E_OUTPUT_PARTITIONS', app.output.name, 'had 1 partitions', 'has 2')(warnings[0]))
  })

  it('a state that was made with fewer partitions is not gone on with', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      await addPartitions(kafka().address, app.input.name, 2)
      await assert.rejects(start(app, directory), withCode('E_TOPIC_PARTITIONS', app.changelog))
    }))

  it('two processes cannot use one directory', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      const service = await start(app, directory)
      await assert.rejects(start(app, directory), withCode('E_STATE_DIR_LOCKED', String(process.pid)))
      await service.stop()
    }))

  const record = (name: string, key = 'ada') => ({
    topic: name,
    partition: 0,
    key: Buffer.from(key),
    value: Buffer.from('{"n":1}'),
    timestamp: Date.now(),
    headers: [],
  })
})
