import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KafkaBroker, openKafkaBroker } from '../../../lib/brokers/kafka/broker.js'
import { milliseconds, seconds } from '../../../lib/core/duration.js'
import type { ServiceEvent } from '../../../lib/service/events.js'
import type { RunOptions } from '../../../lib/service/options.js'
import { run } from '../../../lib/service/run.js'
import { until } from '../group/members.js'
import { describeKafka } from '../suite.js'
import { countingOf, createTopics, tablesOf, truthOf, visitsOf } from './counting.js'
import { killCounting, startCounting } from './members.js'

const PARTITIONS = 2
/** Of each of the two parts. */
const TASKS = 2 * PARTITIONS

describeKafka('standby replicas', (kafka) => {
  let broker: KafkaBroker
  let folder: string
  beforeEach(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
    folder = await mkdtemp(join(tmpdir(), 'revlog-standby-'))
  })
  afterEach(async () => {
    await killCounting()
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  })

  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`take over after a kill without a restore, ${processingGuarantee}`, async () => {
      const counting = countingOf(kafka().name('standby'))
      await createTopics(kafka().address, counting, PARTITIONS)
      const options = (directory: string): RunOptions => ({
        brokers: kafka().address,
        directory: join(folder, directory),
        standbyReplicas: 1,
        sessionTimeout: seconds(2),
        processingGuarantee,
      })
      await broker.produce(visitsOf(counting, 0, 6_000))
      const first = startCounting({ name: counting.topology.name, options: options('first') })
      await until('the first runs all', () => first.tasks().length === TASKS)

      const events: ServiceEvent[] = []
      const second = await run(counting.topology, {
        ...options('second'),
        commitInterval: milliseconds(50),
        onEvent: (event) => void events.push(event),
      })
      const ofKind = <K extends ServiceEvent['kind']>(kind: K) =>
        events.filter((event): event is ServiceEvent & { readonly kind: K } => event.kind === kind)
      try {
        // Balance gives each half of the tasks, and copies of the other half.
        await until('the second keeps copies', () => new Set(ofKind('standby').map((e) => e.task)).size >= 2)
        const copies = [...second.metrics().standbys.keys()]
        assert.equal(copies.length, TASKS / 2)
        await second.caughtUp()
        const ends = new Map<string, number>()
        for (const task of copies) {
          const part = task.slice(0, task.lastIndexOf('_'))
          const all = await broker.endOffsets(`${counting.topology.name}-${part}-changelog`)
          ends.set(task, all[Number(task.slice(task.lastIndexOf('_') + 1))]!)
        }
        await until('copies are warm', () =>
          [...second.metrics().standbys.values()].every((lag) => lag === 0),
        )
        await broker.produce(visitsOf(counting, 6_000, 6_500))
        await first.kill9()
        const before = events.length
        await broker.produce(visitsOf(counting, 6_500, 7_000))
        await until('the second runs all', () => ofKind('assigned').at(-1)?.tasks.length === TASKS)
        await second.caughtUp()
        assert.deepEqual(await tablesOf(broker, counting), truthOf(7_000))

        assert.deepEqual(second.metrics().standbys, new Map(), 'nobody is left who would need copies')
        assert.deepEqual(ofKind('discarded'), [])
        const restored = events.slice(before).filter((event) => event.kind === 'restored')
        for (const task of copies) {
          const read = restored.filter((e) => e.task === task).reduce((sum, e) => sum + e.records, 0)
          assert.ok(read < ends.get(task)! / 2, `${task} read ${read} of ${ends.get(task)} records again`)
        }
      } finally {
        await second.stop()
      }
    })
  }

  it('tasks come back to the member whose disk has their state', async () => {
    const counting = countingOf(kafka().name('back'))
    await createTopics(kafka().address, counting, PARTITIONS)
    const start = async (directory: string) => {
      const events: ServiceEvent[] = []
      const service = await run(counting.topology, {
        brokers: kafka().address,
        directory: join(folder, directory),
        commitInterval: milliseconds(50),
        onEvent: (event) => void events.push(event),
      })
      const tasks = (): readonly string[] =>
        events.flatMap((e) => (e.kind === 'assigned' ? [e.tasks] : [])).at(-1) ?? []
      return { service, events, tasks }
    }
    await broker.produce(visitsOf(counting, 0, 3_000))
    const first = await start('first')
    const second = await start('second')
    try {
      await until('both have tasks', () => first.tasks().length === 2 && second.tasks().length === 2)
      await second.service.caughtUp()
      const before = second.tasks()
      await second.service.stop()
      await until('the first has all', () => first.tasks().length === TASKS)
      const again = await start('second')
      await until('both have tasks', () => first.tasks().length === 2 && again.tasks().length === 2)
      await again.service.caughtUp()
      assert.deepEqual(again.tasks(), before)
      const restored = again.events.reduce((sum, e) => sum + (e.kind === 'restored' ? e.records : 0), 0)
      // What the other one has claimed and committed meanwhile, and no row of what was there before.
      assert.ok(restored < 20, `${restored} records were read again`)
      await again.service.stop()
    } finally {
      await second.service.stop()
      await first.service.stop()
    }
  })
})
