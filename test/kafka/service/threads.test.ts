import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KafkaBroker, openKafkaBroker } from '../../../lib/brokers/kafka/broker.js'
import { milliseconds, seconds } from '../../../lib/core/duration.js'
import type { ServiceEvent } from '../../../lib/service/events.js'
import type { RunOptions } from '../../../lib/service/options.js'
import { run } from '../../../lib/service/run.js'
import { withCode } from '../../service/support.js'
import { createRawTopic } from '../admin.js'
import { until } from '../group/members.js'
import { describeKafka } from '../suite.js'
import { countingOf, createTopics, tablesOf, truthOf, visitsOf } from './counting.js'
import { type CountingMember, killCounting, shared, startCounting } from './members.js'

const PARTITIONS = 6
/** Of each of the two parts. */
const TASKS = 2 * PARTITIONS
const FILE = new URL('../children/counting-topology.js', import.meta.url)

describeKafka('threads', (kafka) => {
  let broker: KafkaBroker
  let folder: string
  beforeEach(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
    folder = await mkdtemp(join(tmpdir(), 'revlog-threads-'))
  })
  afterEach(async () => {
    await killCounting()
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  })

  const options = (directory: string, more: RunOptions = {}): RunOptions => ({
    brokers: kafka().address,
    directory: join(folder, directory),
    threads: 2,
    sessionTimeout: seconds(2),
    ...more,
  })

  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`count as one does, with a process killed in the middle, ${processingGuarantee}`, async () => {
      const counting = countingOf(kafka().name('threads'))
      await createTopics(kafka().address, counting, PARTITIONS)
      const { name } = counting.topology
      const start = (directory: string) =>
        startCounting({
          ...{ name, file: 'counting-topology.js' },
          options: options(directory, { processingGuarantee, standbyReplicas: 1 }),
        })
      const first = start('first')
      const second = start('second')
      await shared([first, second], TASKS)
      let next = 0
      const feed = async (upTo: number): Promise<void> => {
        for (; next < upTo; next += 500) await broker.produce(visitsOf(counting, next, next + 500))
      }
      await feed(4_000)
      await first.kill9()
      await feed(6_000)
      await until('the second runs all', () => second.tasks().length === TASKS)
      await feed(8_000)
      const again = start('first')
      await shared([second, again], TASKS)
      await feed(10_000)
      const truth = truthOf(next)
      const sum = (table: ReadonlyMap<string, number>): number =>
        [...table.values()].reduce((a, b) => a + b, 0)
      for (const end = Date.now() + 60_000; ; ) {
        const tables = await tablesOf(broker, counting)
        // Counts only grow; when they have all, they must be right, and stay so.
        if (sum(tables.byPlace) >= next && sum(tables.byVisitor) >= next) break
        assert.ok(
          Date.now() < end,
          `${sum(tables.byPlace)} and ${sum(tables.byVisitor)} of ${next} are counted`,
        )
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      for (const member of [again, second]) {
        member.child.kill('SIGTERM')
        await until('it has stopped', () => member.told.some((told) => 'ended' in told))
        assert.deepEqual(
          member.told.filter((told) => 'ended' in told),
          [{ ended: null }],
        )
      }
      assert.deepEqual(await tablesOf(broker, counting), truth)
    })
  }

  it('are one service: tasks are spread, and events, lag and metrics come together', async () => {
    const counting = countingOf(kafka().name('together'))
    await createTopics(kafka().address, counting, PARTITIONS)
    Object.assign(process.env, { REVLOG_TEST_NAME: counting.topology.name })
    await broker.produce(visitsOf(counting, 0, 2_000))
    const events: ServiceEvent[] = []
    const start = () =>
      run(
        FILE,
        options('one', { commitInterval: milliseconds(50), onEvent: (event) => void events.push(event) }),
      )
    const service = await start()
    try {
      await service.caughtUp()
      assert.deepEqual(await tablesOf(broker, counting), truthOf(2_000))
      assert.equal(service.lag(), 0)
      const metrics = service.metrics()
      assert.equal(metrics.tasks.size, TASKS)
      const processed = [...metrics.tasks.values()].map(({ counters }) => counters.get('process-total') ?? 0)
      // Each visit once, and once more behind the repartition topic.
      assert.equal(
        processed.reduce((a, b) => a + b, 0),
        4_000,
      )
      const commits = metrics.service.counters.get('commit-total')!
      assert.ok(commits >= 2, 'each thread commits')
      assert.equal(metrics.service.histograms.get('commit-ms')!.count, commits)
    } finally {
      await service.stop()
    }
    const again = await start()
    await broker.produce(visitsOf(counting, 2_000, 2_500))
    await again.caughtUp()
    assert.deepEqual(await tablesOf(broker, counting), truthOf(2_500))
    await again.stop()
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'warning' || kind === 'retrying'),
      [],
    )
    await assert.rejects(again.caughtUp(), withCode('E_SERVICE_STOPPED'))
  })

  /** A member that runs all of an application whose thread is about to read the word. */
  async function mortal(word: string, more: RunOptions = {}) {
    const name = kafka().name('mortal')
    await createRawTopic(kafka().address, `${name}-words`, {}, PARTITIONS)
    await createRawTopic(kafka().address, `${name}-lengths`, {}, PARTITIONS)
    const setup = { name, file: 'mortal-topology.js', options: options('mortal', more) }
    const member = startCounting(setup, ['--max-old-space-size=60'])
    await until('it runs all', () => member.tasks().length === PARTITIONS)
    const place = { topic: `${name}-words`, partition: 4 }
    const bytes = { key: Buffer.from('k'), value: Buffer.from(word) }
    await broker.produce([{ ...place, ...bytes, timestamp: 1, headers: [] }])
    return member
  }
  const endOf = async (member: CountingMember): Promise<string> => {
    const told = await until('it has ended', () => member.told.find((t) => 'ended' in t))
    return 'ended' in told ? String(told.ended) : ''
  }

  for (const [word, told] of [
    ['throw', 'nobody catches this'],
    ['exit', 'exit code 3'],
    ['grow', 'memory limit'],
  ] as const) {
    it(`that die fail the service, which says of what: ${word}`, async () => {
      const message = await endOf(await mortal(word))
      assert.match(message, /^E_THREAD_DIED: /)
      assert.ok(message.includes(told), message)
      // What is thrown later, from a timer, may come between two tasks.
      if (word !== 'throw') assert.match(message, /words_4/)
    })
  }

  it('that never come back from a record hold up neither heartbeats nor the end', async () => {
    const member = await mortal('loop', { shutdownTimeout: milliseconds(500) })
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    assert.deepEqual(member.events('lost'), [])
    assert.deepEqual(member.events('warning'), [])
    const before = Date.now()
    member.child.kill('SIGTERM')
    assert.match(await endOf(member), /^E_SHUTDOWN_TIMEOUT: /)
    assert.ok(Date.now() - before < 8_000)
  })

  it('need a file, and Kafka', async () => {
    const { topology } = countingOf('x')
    await assert.rejects(run(topology, options('a')), withCode('E_THREADS_TOPOLOGY', 'functions'))
    Object.assign(process.env, { REVLOG_TEST_NAME: 'x' })
    await assert.rejects(run(FILE, { threads: 2 }), withCode('E_THREADS_EMBEDDED', 'transaction'))
    await assert.rejects(run(FILE, options('a', { threads: 0 })), withCode('E_CONFIG', 'threads is 0'))
    const ssl = { checkServerIdentity: () => undefined }
    await assert.rejects(run(FILE, options('a', { ssl })), withCode('E_THREADS_OPTIONS'))
  })
})
