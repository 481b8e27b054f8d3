import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { formatRevision, REVISION_HEADERS, type SourceTopic } from 'revlog'
import { run, type Service } from 'revlog/service'
import { lastHeader } from '../../lib/core/record.js'
import { openEnvironment } from '../../lib/state/lmdb/environment.js'
import { truthOf } from './consultants/batch.js'
import type { Input } from './consultants/input.js'
import {
  advice,
  answered,
  consultants,
  moods,
  received,
  recommendations,
  spent,
} from './consultants/topology.js'
import { inDirectory, withCode } from './support.js'

const CHILD = fileURLToPath(new URL('./consultants/child.js', import.meta.url))
const { REVLOG_KILLS = '50' } = process.env
const KILLS = Number(REVLOG_KILLS)

interface Progress {
  running: boolean
  acknowledged: number
}

function start(directory: string): { readonly child: ChildProcess; readonly progress: Progress } {
  const child = fork(CHILD, [directory], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const progress: Progress = { running: false, acknowledged: 0 }
  child.on('message', (message: { running?: number; acknowledged?: number }) => {
    if (message.running !== undefined) progress.running = true
    if (message.acknowledged !== undefined) progress.acknowledged = message.acknowledged
  })
  return { child, progress }
}

/** As if the disk with the state had been lost and the one with the topics had not. The next life restores, and may die at it. How many databases had rows. */
async function loseState(directory: string): Promise<number> {
  const environment = openEnvironment(directory, { durability: 'durable', maxDatabases: 4_096 })
  const names = [
    ['mood-at-recommendation', 'mood-at-recommendation', 'received'],
    ['spent', 'spent'],
    ['answered', 'answered'],
  ].flatMap(([state, ...stores]) =>
    [0, 1].flatMap((partition) => {
      const task = `consultants/${state}/${partition}`
      return [`${task}#meta`, ...stores.map((store) => `${task}/${store}`)]
    }),
  )
  const databases = names.map((name) => environment.database(name))
  const filled = databases.filter((database) => database.scan({ limit: 1 }).length > 0).length
  environment.transaction(() => {
    for (const database of databases) database.clear()
  })
  await environment.close()
  return filled
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function rowsOf<K, V>(service: Service, topic: SourceTopic<K, V>): Promise<Map<K, V>> {
  const rows = new Map<K, V>()
  for await (const { key, value } of service.table(topic)) rows.set(key as K, value as V)
  return rows
}

/** Everything in a directory against the batch answer over the same input. */
async function verify(directory: string, acknowledged: number): Promise<number> {
  const service = await run(consultants, { directory, partitions: 2 })
  await service.caughtUp()
  assert.equal(service.lag(), 0)
  const ends = await Promise.all(
    [recommendations.name, moods.name].map((topic) => service.broker.endOffsets(topic)),
  )
  const n = ends.flat().reduce((sum, end) => sum + end, 0)
  assert.ok(n >= acknowledged, `${acknowledged} inputs were acknowledged, ${n} are there`)
  const truth = truthOf(n)
  await sameInputs(service, recommendations, truth.lefts)
  await sameInputs(service, moods, truth.rights)
  assert.deepEqual(await rowsOf(service, advice), truth.advice)
  assert.deepEqual(withoutZeros(await rowsOf(service, spent)), withoutZeros(truth.spent))
  assert.deepEqual(await rowsOf(service, answered), truth.answered)
  assert.deepEqual(await rowsOf(service, received), truth.answered, 'a record counted twice, or not at all')
  await eachRevisionOnce(service)
  const dropped = [...service.metrics().tasks.values()].flatMap(({ counters }) =>
    [...counters].filter(([name]) => name.startsWith('dropped-records')),
  )
  assert.deepEqual(dropped, [])
  await service.stop()
  return n
}

/** A sum that came back to nothing has a row of 0 where the batch answer has none. */
const withoutZeros = (sums: ReadonlyMap<string, number>) => new Map([...sums].filter(([, sum]) => sum !== 0))

async function sameInputs<V>(
  service: Service,
  topic: SourceTopic<string, V>,
  inputs: readonly Input[],
): Promise<void> {
  const found: string[] = []
  for await (const { key, value } of service.subscribe(topic, { follow: false })) {
    found.push(`${key} ${JSON.stringify(value)}`)
  }
  const expected = inputs.map(({ consultant, value }) => `${consultant} ${JSON.stringify(value)}`)
  assert.deepEqual(found.sort(), expected.sort())
}

/** A revision that is in the log twice was emitted by two lives of the service. */
async function eachRevisionOnce(service: Service): Promise<void> {
  const seen = new Set<string>()
  for await (const { key, headers } of service.subscribe(advice, { follow: false })) {
    const revision = lastHeader(headers, REVISION_HEADERS.revision)
    assert.ok(revision !== undefined)
    const answer = `${key} ${formatRevision(revision)}`
    assert.ok(!seen.has(answer), `${answer} is there twice`)
    seen.add(answer)
  }
}

describe('a service that is killed', () => {
  it(`with kill -9 at ${KILLS} random moments under load loses nothing and does nothing twice`, async function () {
    this.timeout(300_000)
    await inDirectory(async (directory) => {
      let acknowledged = 0
      let underLoad = 0
      let lost = 0
      for (let kill = 0; kill < KILLS; kill++) {
        if (kill % 10 === 5) lost = Math.max(lost, await loseState(directory))
        const { child, progress } = start(directory)
        const exit = once(child, 'exit')
        // One in five dies while it starts, one while it opens and catches up, the others while they work.
        if (kill % 5 === 0) await sleep(Math.random() * 300)
        else {
          while (kill % 5 === 1 ? !progress.running : progress.acknowledged === 0) await sleep(3)
          await sleep(Math.random() * 100)
        }
        assert.equal(child.exitCode, null, 'the service ended by itself')
        child.kill('SIGKILL')
        await exit
        if (progress.acknowledged > 0) underLoad++
        acknowledged = Math.max(acknowledged, progress.acknowledged)
      }
      const inputs = await verify(directory, acknowledged)
      assert.ok(underLoad > KILLS / 2, `only ${underLoad} of ${KILLS} kills were under load`)
      assert.ok(inputs > 1_000)
      if (KILLS > 15) assert.equal(lost, 14, 'the state was where it was lost')
    })
  })

  it('with SIGTERM under load ends with code 0, everything committed', async () => {
    await inDirectory(async (directory) => {
      const { child, progress } = start(directory)
      const exit = once(child, 'exit')
      while (progress.acknowledged < 5_000) await sleep(5)
      child.kill('SIGTERM')
      assert.deepEqual(await exit, [0, null])
      const inputs = await verify(directory, progress.acknowledged)
      assert.equal(inputs, progress.acknowledged)
    })
  })

  it('while it holds the directory says so to a second one, and leaves it when it dies', async () => {
    await inDirectory(async (directory) => {
      const { child, progress } = start(directory)
      const exit = once(child, 'exit')
      while (!progress.running) await sleep(5)
      await assert.rejects(
        run(consultants, { directory }),
        withCode('E_STATE_DIR_LOCKED', `process ${child.pid}`, 'child.js'),
      )
      child.kill('SIGKILL')
      await exit
      await verify(directory, progress.acknowledged)
    })
  })
})
