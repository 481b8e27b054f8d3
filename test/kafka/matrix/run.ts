import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKafkaClient } from '../../../lib/brokers/kafka/client.js'
import type { KafkaClient } from '../../../lib/brokers/kafka/kafka-client.js'
import { createTopicAdmin } from '../../../lib/brokers/kafka/topic-admin.js'
import { planTasks } from '../../../lib/engine/plan.js'
import { applications } from '../../service/protocol/sim-application.js'
import { createRandom } from '../../state/random.js'
import { openProxy } from '../proxy.js'
import type { OwnKafka } from '../suite.js'
import { COMPACTED } from './compaction.js'
import { drawFaults, type Guarantee, MEMBERS, SESSION_MS } from './faults.js'
import { forgottenTransactions, SpoiltRun } from './forgotten.js'
import { openInput, PARTITIONS } from './input.js'
import type { MemberSetup } from './member.js'
import { type Place, restOf } from './rest.js'
import { supervise } from './supervisor.js'
import { type Verdict, verify } from './verify.js'
import { wreak } from './wreak.js'

export interface Run {
  readonly seed: number
  readonly application: MemberSetup['application']
  readonly guarantee: Guarantee
}

export interface Outcome extends Run, Verdict {
  readonly inputs: number
  /** How often each kind of fault did happen. */
  readonly faults: ReadonlyMap<string, number>
  readonly seconds: number
}

const COMMIT_INTERVALS = [5, 30, 100]
/** What is there before the first member, and what comes after the last fault. */
const BEFORE = 150
const AFTER = 60
const REST_MS = 60_000

/**
 * Runs an application on real Kafka, three members and what goes wrong, and compares what is left in the end with
 * what batch programs make of the same input. What is decided by chance is decided by the seed; when it happens, by
 * the machine.
 */
export async function runOnce(run: Run, kafka: OwnKafka): Promise<Outcome> {
  const started = Date.now()
  const random = createRandom(run.seed)
  const folder = await mkdtemp(join(tmpdir(), `revlog-matrix-${run.seed}-`))
  const prefix = `${kafka.name(`m${run.seed}`)}-`
  const topics = applications(prefix)
  const topology = topics[run.application]
  const plan = planTasks(topology, () => PARTITIONS)
  const address = { brokers: [kafka.address] }
  const client = await openKafkaClient(address, { timeoutMs: 60_000 })
  const admin = createTopicAdmin(client)
  const commitIntervalMs = random.pick(COMMIT_INTERVALS)
  const proxies = await Promise.all(kafka.proxied.map(openProxy))
  const place = (name: string, brokers: string): Place => {
    const { application, guarantee } = run
    const directory = join(folder, name)
    const setup = { prefix, application, guarantee, brokers, directory, commitIntervalMs }
    return {
      directory,
      ...supervise({ ...setup, sessionTimeoutMs: SESSION_MS }, join(folder, `${name}.log`)),
    }
  }
  const places = proxies.map((proxy, i) => place(`member-${i}`, proxy.address))
  const last = place('last', kafka.address)
  try {
    for (const { name } of [topics.orders, topics.prices]) {
      await admin.create({ name, partitions: PARTITIONS, config: INPUT })
    }
    for (const { name } of [topics.priced, topics.counts, topics.totals]) {
      await admin.create({ name, partitions: PARTITIONS, config: COMPACTED })
    }
    const input = await openInput(client, topics, random)
    await input.more(BEFORE)
    const faults = drawFaults(createRandom(run.seed), run.guarantee)
    await writeFile(join(folder, 'faults.json'), JSON.stringify(faults, undefined, 1))
    await Promise.all(places.slice(0, MEMBERS).map((member) => member.start()))
    const trickle = input.trickle()
    const happened = await wreak(faults, places, proxies, kafka)
    await trickle.stop()
    if (random.chance(0.5)) await input.more(AFTER)

    const scene = { ...run, topics, topology, plan, client, input }
    await restOf(scene, places, REST_MS)
    await endAll(places)
    await last.start()
    await restOf(scene, [last], REST_MS)
    await endAll([last])
    const verdict = await verify(scene, places, last)
    await rm(folder, { recursive: true, force: true })
    return {
      ...run,
      ...verdict,
      inputs: input.orders.length + input.prices.length,
      faults: happened,
      seconds: (Date.now() - started) / 1_000,
    }
  } catch (thrown) {
    const { REVLOG_MATRIX_KEEP } = process.env
    if (REVLOG_MATRIX_KEEP !== undefined) await keepLogs(kafka.folder, join(folder, 'kafka'), prefix)
    const why = [...places, last].flatMap(({ failure }) => failure() ?? [])
    const what = `seed ${run.seed}, ${run.application}, ${run.guarantee}: ${[...why, (thrown as Error).message].join('; ')}; logs in ${folder}`
    const forgotten = await forgottenTransactions(kafka.folder, prefix)
    if (forgotten === 0) throw new Error(what, { cause: thrown })
    throw new SpoiltRun(`${what}; the broker forgot ${forgotten} transactions`, { cause: thrown })
  } finally {
    for (const member of [...places, last]) await member.kill9()
    for (const proxy of proxies) await proxy.close()
    await deleteTopics(client, prefix).catch((thrown: unknown) => console.log(String(thrown)))
    await client.close()
  }
}

const INPUT = { 'cleanup.policy': 'delete', 'retention.ms': '-1' }

/** The records of the run's topics, of transactions and of groups; the indexes beside them are large, and empty. */
async function keepLogs(from: string, to: string, prefix: string): Promise<void> {
  const keep = (...path: readonly string[]): Promise<unknown> =>
    cp(join(from, ...path), join(to, ...path)).catch(() => undefined)
  await mkdir(to, { recursive: true })
  await keep('broker.log')
  for (const name of await readdir(join(from, 'data'))) {
    if (!name.startsWith(prefix) && !name.startsWith('__')) continue
    // Marks of transactions have wall time, and segments roll by time: what was written last may be in the second.
    for (const file of await readdir(join(from, 'data', name)).catch(() => [])) {
      if (file.endsWith('.log')) await keep('data', name, file)
    }
  }
}

/** A broker with the topics of a hundred runs would take long to come back. */
async function deleteTopics(client: KafkaClient, prefix: string): Promise<void> {
  const { topics } = await client.metadata('all')
  const admin = client.kafkajs().admin()
  await admin.connect()
  try {
    await admin.deleteTopics({
      topics: topics.flatMap(({ name }) => (name.startsWith(prefix) ? [name] : [])),
    })
  } finally {
    await admin.disconnect()
  }
}

/** In good order, all at once: each must end with 0, soon. */
async function endAll(places: readonly Place[]): Promise<void> {
  await Promise.all(
    places
      .filter((place) => place.alive())
      .map(async (place) => {
        const code = await place.terminate()
        if (code !== 0) throw new Error(`a member that was told to stop ended with ${code}: ${place.said()}`)
      }),
  )
}
