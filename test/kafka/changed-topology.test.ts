import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { int64, stream, string, type Topology, topic, topology } from 'revlog'
import { type RunOptions, run, type Service, type ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { createGroupAdmin } from '../../lib/brokers/kafka/group/group-admin.js'
import { examine } from '../../lib/service/doctor/doctor.js'
import { planReset, reset } from '../../lib/service/kafka/reset.js'
import { inDirectory, tableOf, withCode } from '../service/support.js'
import { createRawTopic } from './admin.js'
import { until } from './group/members.js'
import { describeKafka } from './suite.js'

describeKafka('a topology that has changed since its last run on Apache Kafka', (kafka) => {
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())

  /** Visits, counted in one place and summed up in another; and what can become of that. */
  async function shop() {
    const name = kafka().name('shop')
    const visits = topic(`${name}-visits`, { key: string(), value: int64() })
    const returns = topic(`${name}-returns`, { key: string(), value: int64() })
    const counts = topic(`${name}-counts`, { key: string(), value: int64() })
    const sums = topic(`${name}-sums`, { key: string(), value: int64() })
    const all = topic(`${name}-all`, { key: string(), value: int64() })
    for (const one of [visits, returns, all]) {
      await createRawTopic(kafka().address, one.name, { 'retention.ms': '-1' }, 2)
    }
    for (const one of [counts, sums]) {
      await createRawTopic(kafka().address, one.name, { 'cleanup.policy': 'compact' }, 2)
    }
    const grouped = stream(visits).groupByKey()
    const counted = (store: string) => grouped.count({ name: store }).toStream().to(counts)
    const summed = (store: string) =>
      grouped
        .reduce((a, b) => a + b, { name: store })
        .toStream()
        .to(sums)
    const returned = stream(returns).groupByKey().count({ name: 'returned' }).toStream().to(sums)
    const passed = stream(visits).mapValues((n) => 2 * n, { value: int64() })
    return {
      name,
      visits,
      counts,
      first: topology(name, [counted('count'), summed('sum')]),
      renamed: topology(name, [counted('number'), summed('sum')]),
      more: topology(name, [
        counted('count'),
        summed('sum'),
        stream(visits).groupByKey().count({ name: 'again' }).toStream().to(sums),
      ]),
      fewer: topology(name, [counted('count')]),
      stateless: topology(name, [passed.to(all)]),
      reordered: topology(name, [summed('sum'), counted('count')]),
      longer: topology(name, [passed.filter((n) => n > 2).to(all), counted('count'), summed('sum')]),
      wider: topology(name, [returned, counted('count'), summed('sum')]),
      routed: topology(name, [
        stream(visits)
          .groupBy((n) => `${n % 2}`, { name: 'by-parity', key: string() })
          .count({ name: 'parities' })
          .toStream()
          .to(counts),
      ]),
    }
  }
  type Shop = Awaited<ReturnType<typeof shop>>

  const start = (
    application: Topology,
    directory: string,
    options: Partial<RunOptions> = {},
  ): Promise<Service> => run(application, { brokers: kafka().address, directory, ...options })

  const countOf = async (service: Service, { counts }: Shop, key = 'ada'): Promise<number> =>
    new Map(await tableOf(service, counts)).get(key) ?? 0

  /** Takes `n` more visits, and says how many there have been. */
  async function lived(
    app: Shop,
    version: Topology,
    directory: string,
    n: number,
    options: Partial<RunOptions> = {},
  ) {
    const service = await start(version, directory, options)
    await service.produce(
      app.visits,
      Array.from({ length: n }, () => ({ key: 'ada', value: 1 })),
    )
    await service.caughtUp()
    const count = await countOf(service, app)
    await service.stop()
    return count
  }

  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`is refused when its stores are others, with what has changed, ${processingGuarantee}`, () =>
      inDirectory(async (directory) => {
        const app = await shop()
        const options = { processingGuarantee }
        assert.equal(await lived(app, app.first, directory, 3, options), 3)
        const refused = (version: Topology, ...parts: readonly string[]): Promise<void> =>
          assert.rejects(
            start(version, join(directory, 'elsewhere'), options),
            withCode('E_INCOMPATIBLE_TOPOLOGY', app.visits.name, 'revlog reset', ...parts),
          )
        await refused(app.renamed, 'store number is new', 'store count is gone')
        await refused(app.more, 'store again is new')
        await refused(app.fewer, 'store sum is gone')
        await refused(app.stateless, 'store count is gone', 'store sum is gone')
        const checks = await examine(app.renamed, { brokers: kafka().address, directory, ...options }, broker)
        assert.deepEqual(
          checks.filter(({ severity }) => severity === 'error').map(({ code }) => code),
          ['E_INCOMPATIBLE_TOPOLOGY'],
        )
        // Nothing was made or changed by that.
        const { topics } = await broker.client.metadata('all')
        const own = topics.map(({ name }) => name).filter((name) => name.startsWith(app.name))
        assert.equal(own.filter((name) => name.endsWith('-changelog')).length, 1, own.join())
        assert.equal(await lived(app, app.first, directory, 1, options), 4)
      }))
  }

  it('is refused by its changelog when the group has forgotten what was read', () =>
    inDirectory(async (directory) => {
      const app = await shop()
      await lived(app, app.first, directory, 3)
      await forgetGroup(app.name)
      const service = await start(app.more, directory)
      await assert.rejects(
        service.finished,
        withCode('E_INCOMPATIBLE_TOPOLOGY', 'count', 'store again is new'),
      )
      assert.equal(await lived(app, app.first, directory, 1), 4)
    }))

  it('goes on when its stores are the same, in whatever order, with other steps and other parts beside them', () =>
    inDirectory(async (directory) => {
      const app = await shop()
      assert.equal(await lived(app, app.first, directory, 3), 3)
      assert.equal(await lived(app, app.reordered, directory, 1), 4)
      assert.equal(await lived(app, app.longer, directory, 1), 5)
      rmSync(directory, { recursive: true })
      assert.equal(await lived(app, app.wider, directory, 1), 6)
      assert.equal(await lived(app, app.first, directory, 1), 7)
    }))

  it('may take the other guarantee where it keeps nothing but an outbox', () =>
    inDirectory(async (directory) => {
      const app = await shop()
      let seen = 0
      for (const processingGuarantee of ['exactly_once', 'at_least_once', 'exactly_once'] as const) {
        const service = await start(app.routed, directory, { processingGuarantee })
        await service.produce(app.visits, [{ key: 'ada', value: 1 }])
        await service.caughtUp()
        seen++
        assert.equal(await countOf(service, app, '1'), seen)
        await service.stop()
      }
    }))

  it('is deployed beside the version before, and what does not fit does not disturb it', () =>
    inDirectory(async (directory) => {
      const app = await shop()
      const tasks = new Map<string, readonly string[]>()
      const told = (member: string) => (event: ServiceEvent) => {
        if (event.kind === 'assigned') tasks.set(member, event.tasks)
      }
      const one = await start(app.first, join(directory, 'one'), { onEvent: told('one') })
      await until('one has both tasks', () => tasks.get('one')?.length === 2)
      // It has taken them over, and told the group so.
      await one.caughtUp()
      await assert.rejects(start(app.renamed, join(directory, 'two')), withCode('E_INCOMPATIBLE_TOPOLOGY'))
      const two = await start(app.reordered, join(directory, 'two'), { onEvent: told('two') })
      await until('each has one', () => tasks.get('one')?.length === 1 && tasks.get('two')?.length === 1)
      assert.deepEqual([...tasks.values()].flat().sort(), ['count_0', 'count_1'])
      await two.produce(app.visits, [
        { key: 'ada', value: 1 },
        { key: 'bob', value: 1 },
        { key: 'cy', value: 1 },
      ])
      await one.stop()
      await two.caughtUp()
      assert.equal(await countOf(two, app), 1)
      await two.stop()
    }))

  it('starts anew after a reset, which takes the changelog of the version before too', () =>
    inDirectory(async (directory) => {
      const app = await shop()
      await lived(app, app.first, directory, 3)
      const plan = await planReset(app.renamed, { brokers: kafka().address, directory }, broker)
      assert.deepEqual([plan.topics, plan.strangers], [[`${app.name}-count-changelog`], []])
      await reset(plan, broker)
      assert.equal(await lived(app, app.renamed, directory, 0), 3)
    }))

  async function forgetGroup(application: string): Promise<void> {
    const group = createGroupAdmin(broker.client, application)
    await group.remove()
    group.close()
  }
})
