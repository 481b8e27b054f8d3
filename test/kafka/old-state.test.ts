import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { json, stream, string, topic, topology } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { createGroupAdmin } from '../../lib/brokers/kafka/group/group-admin.js'
import { inDirectory, withCode } from '../service/support.js'
import { createRawTopic, deleteCompacted } from './admin.js'
import { countersOn } from './counter.js'
import { describeKafka } from './suite.js'

const HOUR_MS = 3_600_000

describeKafka('state on Apache Kafka that is old, and positions that are gone', (kafka) => {
  const { counter, start, lived } = countersOn(kafka)
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())

  /** Changes what a state says of itself. */
  function edit(directory: string, change: (about: { readonly usedAt: number }) => object): void {
    const file = join(directory, 'tasks', 'counts_0', 'about.json')
    const about = JSON.parse(readFileSync(file, 'utf8')) as { readonly usedAt: number }
    writeFileSync(file, JSON.stringify({ ...about, ...change(about) }))
  }
  const kindsOf = (events: readonly ServiceEvent[]): readonly string[] => events.map(({ kind }) => kind)

  for (const [how, change, reason] of [
    [
      'was not used for half a day',
      ({ usedAt }) => ({ usedAt: usedAt - 13 * HOUR_MS }),
      'not used for so long',
    ],
    ['has the format of another version', () => ({ format: 2 }), 'format 2'],
  ] as const satisfies readonly (readonly [string, Parameters<typeof edit>[1], string])[]) {
    it(`state that ${how} is restored from the changelog`, () =>
      inDirectory(async (directory) => {
        const app = await counter()
        await lived(app, directory)
        edit(directory, change)
        const events = await lived(app, directory, 1, 4)
        assert.ok(events.some((event) => event.kind === 'discarded' && event.reason.includes(reason)))
        assert.ok(kindsOf(events).includes('restored'))
        assert.equal(kindsOf(await lived(app, directory, 1, 5)).includes('discarded'), false)
      }))
  }

  it('state that was used eleven hours ago goes on', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      edit(directory, ({ usedAt }) => ({ usedAt: usedAt - 11 * HOUR_MS }))
      assert.equal(kindsOf(await lived(app, directory, 1, 4)).includes('discarded'), false)
    }))

  it('state whose changelog has lost what it had not read is made anew of what is there', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      const old = join(directory, 'old')
      const now = join(directory, 'now')
      await lived(app, old)
      // What names the stores is of the first commit, and is written again when a stranger has written it.
      await broker.produce([
        {
          topic: app.changelog,
          partition: 0,
          key: Buffer.of(0, 0),
          value: Buffer.from('{"id":"stranger","stores":{}}'),
          timestamp: Date.now(),
          headers: [],
        },
      ])
      const [from] = await broker.endOffsets(app.changelog)
      await lived(app, now, 1, 4)
      await deleteCompacted(kafka().address, app.changelog, from!)
      await lived(app, old, 1, 5)
    }))

  it('a changelog that was deleted up to the last commits is not believed, with state and without', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      const [old, now, fresh] = ['old', 'now', 'fresh'].map((name) => join(directory, name))
      const refused = async (state: string, code: string, said: string): Promise<void> => {
        const service = await start(app, state)
        await assert.rejects(service.finished, withCode(code, said))
      }
      await lived(app, old!)
      await lived(app, now!, 1, 4)
      const [from] = await broker.endOffsets(app.changelog)
      await lived(app, now!, 1, 5)
      const [end] = await broker.endOffsets(app.changelog)
      await deleteCompacted(kafka().address, app.changelog, from!)
      await refused(now!, 'E_CHANGELOG_TRUNCATED', `begins at ${from}`)
      await refused(old!, 'E_CHANGELOG_CORRUPT', 'does not name its stores')
      // Only the marker is left, and what it ends is gone.
      await deleteCompacted(kafka().address, app.changelog, end! - 1)
      await refused(fresh!, 'E_CHANGELOG_CORRUPT', 'does not name its stores')
    }))

  /** Forgets the group, and tells it another position where there is one. */
  async function setPosition(group: string, input: string, offset: number | undefined): Promise<void> {
    const admin = createGroupAdmin(broker.client, group)
    await admin.remove()
    admin.close()
    if (offset !== undefined)
      await broker.client.commitOffsets({ group }, [{ topic: input, partition: 0, offset }])
  }

  for (const [how, offset] of [
    ['has lost', undefined],
    ['has set back', 0],
  ] as const) {
    it(`positions that the group ${how} are those of the state, and of its changelog`, () =>
      inDirectory(async (directory) => {
        const app = await counter()
        await lived(app, directory)
        await setPosition(app.name, app.input.name, offset)
        await lived(app, directory, 1, 4)
        await setPosition(app.name, app.input.name, offset)
        rmSync(directory, { recursive: true })
        await lived(app, directory, 1, 5)
      }))
  }

  it('a position of the group that is ahead of the state stops it', () =>
    inDirectory(async (directory) => {
      const app = await counter()
      await lived(app, directory)
      await setPosition(app.name, app.input.name, 1_000_000)
      const service = await start(app, directory)
      await assert.rejects(service.finished, withCode('E_POSITION_BEHIND_GROUP', '1000000'))
      await setPosition(app.name, app.input.name, undefined)
      await lived(app, directory, 1, 4)
    }))

  it('without state a position that is gone is where the start begins, and one beyond the end stops it', () =>
    inDirectory(async (directory) => {
      const name = kafka().name('copies')
      const input = topic(`${name}-in`, { key: string(), value: json<number>() })
      const output = topic(`${name}-out`, { key: string(), value: json<number>() })
      for (const one of [input, output])
        await createRawTopic(kafka().address, one.name, { 'retention.ms': '-1' })
      const options = { brokers: kafka().address, directory }
      const copies = topology(name, [
        stream(input)
          .mapValues((n) => n)
          .to(output),
      ])
      const copied = async (startFrom: 'earliest' | 'latest'): Promise<number> => {
        const service = await run(copies, { ...options, startFrom })
        await service.caughtUp()
        await service.stop()
        const [end] = await broker.endOffsets(output.name)
        return end!
      }
      const first = await run(copies, options)
      await first.produce(
        input,
        [1, 2, 3].map((value) => ({ key: 'ada', value })),
      )
      await first.stop()
      assert.equal(await copied('earliest'), 3)
      await setPosition(name, input.name, undefined)
      assert.equal(await copied('latest'), 3)
      await setPosition(name, input.name, undefined)
      assert.equal(await copied('earliest'), 6)
      await setPosition(name, input.name, 1_000_000)
      const service = await run(copies, options)
      await assert.rejects(service.finished, withCode('E_POSITION_BEYOND_END', input.name))
    }))
})
