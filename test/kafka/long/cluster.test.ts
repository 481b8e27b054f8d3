import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type RunOptions, run, type ServiceEvent } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../../lib/brokers/kafka/broker.js'
import { topicCommands } from '../../../lib/brokers/kafka/topic-commands.js'
import { ensureInternalTopics } from '../../../lib/brokers/kafka/topics.js'
import { findCoordinatorRequest } from '../../../lib/brokers/kafka/wire/find-coordinator.js'
import { days, milliseconds } from '../../../lib/core/duration.js'
import { inDirectory, withCode } from '../../service/support.js'
import { createRawTopic, moveTo } from '../admin.js'
import { placed, readAll, valuesOf } from '../client-support.js'
import { type Counting, countingOf, createTopics, tablesOf, truthOf, visitsOf } from '../service/counting.js'
import { describeCluster } from '../suite.js'

const PARTITIONS = 3
const VICTIM = 2
const GUARANTEES = ['at_least_once', 'exactly_once'] as const

describeCluster('on a cluster of three brokers', [1, 2], (cluster) => {
  let broker: KafkaBroker
  before(async () => {
    broker = await openKafkaBroker({ brokers: cluster().addresses.split(',') })
  })
  after(() => broker?.close())

  const addresses = () => cluster().addresses
  const partitionsOf = async (topic: string) => (await broker.client.metadata([topic])).topics[0]!.partitions
  const leads = async (id: number, topic: string): Promise<boolean> =>
    (await partitionsOf(topic)).some(({ leader }) => leader === id)
  const coordinator = async (kind: 'group' | 'transaction', key: string): Promise<number> =>
    (await broker.client.ask(findCoordinatorRequest(kind, key))).nodeId

  /** A name of an application whose group is coordinated there, which follows from the name. */
  async function nameOn(id: number, text: string): Promise<string> {
    for (;;) {
      const name = cluster().name(text)
      if ((await coordinator('group', name)) === id) return name
    }
  }
  /** Which brokers coordinate the transactions of its tasks. */
  const transactionsOf = (name: string): Promise<readonly number[]> =>
    Promise.all(
      ['visitors', 'places'].flatMap((part) =>
        [0, 1, 2].map((partition) => coordinator('transaction', `${name}-${part}_${partition}`)),
      ),
    )

  /** An application that runs, and is fed one visit after the other. */
  async function started(counting: Counting, directory: string, options: Partial<RunOptions> = {}) {
    const { name } = counting.topology
    const events: ServiceEvent[] = []
    const service = await run(counting.topology, {
      brokers: addresses(),
      directory: join(directory, name),
      commitInterval: milliseconds(20),
      onEvent: (event) => events.push(event),
      ...options,
    })
    const feed = feeding(broker, counting)
    await feed.until(200)
    return { counting, service, events, feed }
  }
  type Started = Awaited<ReturnType<typeof started>>

  /** What it has counted is what it was fed. */
  async function assertExact({ counting, service, feed }: Started): Promise<void> {
    const fed = await feed.stop()
    await service.caughtUp()
    assert.deepEqual(await tablesOf(broker, counting), truthOf(fed))
  }
  const answered = async ({ counting }: Started): Promise<number> =>
    (await broker.endOffsets(counting.byVisitor.name)).reduce((a, b) => a + b, 0)

  /** Records of before and of after have been answered in every partition. */
  async function goesOn(app: Started): Promise<void> {
    const fed = app.feed.fed()
    await app.feed.until(fed + 300)
    for (const before = await answered(app); (await answered(app)) < before + 200; ) await moment()
  }

  it('copies that it cannot make are refused, with what to do', async () => {
    const changelog = {
      name: cluster().name('changelog'),
      kind: 'changelog',
      partitions: 1,
      inUse: false,
    } as const
    await assert.rejects(
      ensureInternalTopics(broker.admin, [changelog], topicCommands([addresses()])),
      withCode('E_TOPIC_REPLICATION', changelog.name, 'default.replication.factor'),
    )
    await cluster().start(3)
    await ensureInternalTopics(broker.admin, [changelog], topicCommands([addresses()]))
    assert.equal((await partitionsOf(changelog.name))[0]!.replicas.length, 3)
  })

  it('a topic with one copy, or whose records may be in one only, is warned of', () =>
    inDirectory(async (directory) => {
      const counting = countingOf(cluster().name('app'))
      const { visits, byVisitor, byPlace } = counting
      await createRawTopic(addresses(), visits.name, { 'retention.ms': '-1' })
      await createRawTopic(addresses(), byVisitor.name, { 'cleanup.policy': 'compact' }, 1, 1)
      const careless = { 'cleanup.policy': 'compact', 'min.insync.replicas': '1' }
      await createRawTopic(addresses(), byPlace.name, careless)
      const events: ServiceEvent[] = []
      const service = await run(counting.topology, {
        ...{ brokers: addresses(), directory, onEvent: (event) => void events.push(event) },
      })
      await service.stop()
      const warned = events.flatMap((event) => (event.kind === 'warning' ? [event] : []))
      assert.deepEqual(
        warned.map(({ code }) => code),
        ['E_TOPIC_REPLICATION', 'E_TOPIC_REPLICATION'],
      )
      assert.match(warned[0]!.problem, new RegExp(`${byVisitor.name} has one copy`))
      assert.match(warned[1]!.remedy!, new RegExp(`${byPlace.name} --add-config min.insync.replicas=2`))
    }))

  it('a reader and a writer follow a partition that moves to another broker', async () => {
    const topic = cluster().name('moving')
    await createRawTopic(addresses(), topic, {}, 1, 1)
    const producer = await broker.client.producer()
    const seen: string[] = []
    const fetcher = broker.client.fetcher({ isolation: 'read_committed' })
    let offset = 0
    const read = async (n: number): Promise<void> => {
      while (seen.length < n) {
        const [fetched] = await fetcher.poll([{ topic, partition: 0, offset }], { maxWaitMs: 200 })
        assert.equal(fetched?.error, undefined)
        seen.push(...valuesOf(fetched?.records ?? []))
        offset = fetched?.nextOffset ?? offset
      }
    }
    for (const [i, id] of [2, 3, 1].entries()) {
      await producer.send([placed(topic, `${2 * i}`)])
      await read(2 * i + 1)
      await moveTo(addresses(), topic, [id])
      const [appended] = await producer.send([placed(topic, `${2 * i + 1}`)])
      assert.equal(appended!.baseOffset, 2 * i + 1)
      await read(2 * i + 2)
    }
    fetcher.close()
    assert.deepEqual(seen, ['0', '1', '2', '3', '4', '5'])
    assert.deepEqual(valuesOf(await readAll(broker.client, topic)), seen)
  })

  it('the broker that leads inputs, outputs and changelogs, and coordinates groups and transactions, is killed', () =>
    inDirectory(async (directory) => {
      const apps = await Promise.all(
        GUARANTEES.map(async (processingGuarantee) => {
          const counting = countingOf(await nameOn(VICTIM, processingGuarantee))
          await createRawTopic(addresses(), counting.byVisitor.name, WHOLE, PARTITIONS)
          await createTopics(addresses(), counting, PARTITIONS)
          return started(counting, directory, { processingGuarantee })
        }),
      )
      for (const { counting } of apps) {
        const { name } = counting.topology
        const topics = [counting.visits.name, counting.byVisitor.name, counting.byPlace.name]
        for (const topic of [...topics, `${name}-visitors-changelog`, `${name}-by-place-repartition`]) {
          assert.ok(await leads(VICTIM, topic), `it leads no partition of ${topic}`)
        }
        assert.ok((await transactionsOf(name)).includes(VICTIM))
      }
      await cluster().kill9(VICTIM)
      await Promise.all(apps.map(goesOn))
      for (const { counting } of apps) {
        assert.notEqual(await coordinator('group', counting.topology.name), VICTIM)
        assert.ok(!(await transactionsOf(counting.topology.name)).includes(VICTIM))
      }
      await Promise.all(apps.map(assertExact))
      // Under exactly once each visit has one answer.
      assert.equal(await committedRecords(broker, apps[1]!.counting.byVisitor.name), apps[1]!.feed.fed())
      await Promise.all(apps.map(({ service }) => service.stop()))
    }))

  it('too few copies are in sync, and a topic has none: it starts, waits, and goes on when they are back', () =>
    inDirectory(async (directory) => {
      await cluster().start(VICTIM)
      const counting = countingOf(cluster().name('app'))
      const { byVisitor } = counting
      const strict = { 'cleanup.policy': 'compact', 'min.insync.replicas': '3' }
      await createRawTopic(addresses(), byVisitor.name, strict, PARTITIONS)
      await createTopics(addresses(), counting, PARTITIONS)
      const alone = cluster().name('alone')
      await createRawTopic(addresses(), alone, {}, 1, 1)
      await moveTo(addresses(), alone, [VICTIM])
      await cluster().kill9(VICTIM)
      while ((await partitionsOf(alone))[0]!.leader !== undefined) await moment()
      const app = await started(counting, directory)
      const probe = await broker.client.producer()
      await assert.rejects(
        probe.send([placed(byVisitor.name, 'refused')], { timeoutMs: 2_000 }),
        withCode('E_KAFKA_NOT_ENOUGH_REPLICAS', byVisitor.name),
      )
      await app.feed.until(app.feed.fed() + 200)
      assert.equal(await answered(app), 0)
      await cluster().start(VICTIM)
      await assertExact(app)
      await app.service.stop()
      const restless = app.events.filter(({ kind }) => kind === 'lost' || kind === 'retrying')
      assert.deepEqual(restless, [], 'it stayed in its group, and took nothing over anew')
    }))
})

/**
 * Compacted like any table, and never yet: marks of transactions have the time of the machine, years after that of these
 * records, so with the usual week they begin a new segment, and the one before is compacted.
 */
const WHOLE = { 'cleanup.policy': 'compact', 'segment.ms': String(days(10_000)) }

/** Feeds an application, a few records at a time, until it is told to stop. */
function feeding(broker: KafkaBroker, counting: Counting) {
  let fed = 0
  let stopping = false
  let failure: unknown
  const running = (async (): Promise<void> => {
    while (!stopping) {
      await broker.produce(visitsOf(counting, fed, fed + 20))
      fed += 20
      await moment()
    }
  })().catch((thrown: unknown) => {
    failure = thrown
  })
  return {
    fed: () => fed,
    async until(n: number): Promise<void> {
      while (fed < n && failure === undefined) await moment()
      if (failure !== undefined) throw failure
    },
    async stop(): Promise<number> {
      stopping = true
      await running
      if (failure !== undefined) throw failure
      return fed
    },
  }
}

/** How many records a reader of committed records finds. */
async function committedRecords(broker: KafkaBroker, topic: string): Promise<number> {
  let found = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    found += (await readAll(broker.client, topic, { partition })).length
  }
  return found
}

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))
