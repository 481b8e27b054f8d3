import assert from 'node:assert/strict'
import type { Isolation } from '../../../lib/brokers/kafka/kafka-client.js'
import type { LogRecord } from '../../../lib/core/record.js'
import { namedParts } from '../../../lib/service/kafka/parts.js'
import { epochOf, kindOf } from '../../../lib/state/changelog.js'
import type { Applications } from '../../service/protocol/sim-application.js'
import { greatestRevisions, type Truth, truthOf } from '../../service/protocol/truth.js'
import { compact } from './compaction.js'
import { type Input, PARTITIONS } from './input.js'
import { numbersOf, repeatedRevisions, staleIds } from './outputs.js'
import { readTopic } from './reading.js'
import type { Application, Place } from './rest.js'
import type { Run } from './run.js'
import { foldChangelog, stateOf, type TaskRows } from './states.js'

/** What may happen without being wrong. */
export interface Verdict {
  /** How often somebody claimed a task. */
  readonly takeovers: number
  /** Records of replaced owners in the changelogs. */
  readonly strays: number
  /** Answers that were repeated, with equal revisions. */
  readonly repeated: number
  /** Keys whose last answer in the log is not the right one: who reads a compacted topic sees it. */
  readonly lastWords: number
}

export interface Scene extends Application, Run {
  readonly guarantee: Run['guarantee']
  readonly topics: Applications
  readonly input: Input
}

/** Compares everything that is left with what batch programs make of the input. */
export async function verify(scene: Scene, places: readonly Place[], last: Place): Promise<Verdict> {
  const { application, guarantee, topics, client, input } = scene
  const exactly = guarantee === 'exactly_once'
  const isolation: Isolation = exactly ? 'read_committed' : 'read_uncommitted'
  const truth = truthOf(input.orders, input.prices)
  const written = await Promise.all(
    [topics.orders, topics.prices].map(({ name }) => readTopic(client, name, PARTITIONS, isolation)),
  )
  const counted = written.map((partitions) => partitions.flat().length)
  assert.deepEqual(counted, [input.orders.length, input.prices.length], 'the input is there once')
  const { numbers, takeovers, strays } = await compareStates(scene, places, last, isolation)
  let repeated = 0
  let lastWords = 0

  if (application === 'counter') {
    assert.deepEqual(sorted(numbers.get('counts')!), sorted(truth.counts), 'the counters of the state')
    const counts = numbersOf(await readTopic(client, topics.counts.name, PARTITIONS, isolation))
    for (const [who, n] of truth.counts) {
      const answered = counts.get(who) ?? []
      const all = Array.from({ length: n }, (_, i) => i + 1)
      assert.deepEqual(
        [...new Set(answered)].sort((a, b) => a - b),
        all,
        `the counts of ${who}`,
      )
      repeated += answered.length - n
      if (answered[answered.length - 1] !== n) lastWords++
    }
    assert.equal(counts.size, truth.counts.size)
    const left = numbersOf(await compact(client, topics.counts.name, PARTITIONS, isolation))
    for (const [who, answered] of counts) assert.deepEqual(left.get(who), answered.slice(-1), who)
  } else {
    const answers = await readTopic(client, topics.priced.name, PARTITIONS, isolation)
    assert.deepEqual(sorted(greatestRevisions(answers.flat())), expected(truth), 'the table of revisions')
    repeated += repeatedRevisions(answers)
    const stale = staleIds(answers)
    lastWords += stale.size
    const left = greatestRevisions((await compact(client, topics.priced.name, PARTITIONS, isolation)).flat())
    const kept = (table: ReadonlyMap<string, string>) => sorted([...table].filter(([id]) => !stale.has(id)))
    assert.deepEqual(kept(left), kept(expected(truth)), 'the table of revisions after a compaction')
    assert.equal(left.size, truth.priced.size, 'no answer is lost')
  }
  if (application === 'aggregate') {
    assert.deepEqual(totals(numbers.get('totals')!), totals(truth.totals), 'the totals of the state')
    const said = numbersOf(await readTopic(client, topics.totals.name, PARTITIONS, isolation))
    for (const [group, total] of truth.totals) if (said.get(group)?.at(-1) !== total) lastWords++
  }
  if (exactly) {
    assert.equal(repeated, 0, 'no answer is repeated')
    assert.equal(lastWords, 0, 'the last answer is the right one')
    assert.equal(strays, 0, 'who was replaced writes nothing that is committed')
  }
  return { takeovers, strays, repeated, lastWords }
}

/** The state of the last owners, that of a member that began with nothing, and the changelog must be the same. */
async function compareStates(
  { application, topology, plan, guarantee, client }: Scene,
  places: readonly Place[],
  last: Place,
  isolation: Isolation,
): Promise<{
  readonly numbers: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly takeovers: number
  readonly strays: number
}> {
  const numbers = new Map<string, Map<string, number>>()
  let takeovers = 0
  let strays = 0
  for (const { name, part, partitions, changelog } of namedParts(
    topology,
    plan,
    guarantee === 'exactly_once',
    [],
  )) {
    if (changelog === undefined) continue
    const logs = await readTopic(client, changelog, partitions, isolation)
    const numbersIn = application === 'counter' ? 'counts' : 'totals'
    const all = numbers.get(name) ?? new Map<string, number>()
    numbers.set(name, all)
    for (const [partition, records] of logs.entries()) {
      const counted = countEpochs(records)
      takeovers += counted.takeovers
      strays += counted.strays
      const task = `${name}_${partition}`
      const fresh = await stateOf(last.directory, task, part, numbersIn)
      assert(fresh !== undefined, `the last member has ${task}`)
      assert.deepEqual(
        foldChangelog(records, part),
        fresh.rows,
        `the changelog of ${task}, and a restored state`,
      )
      const owned = await newest(places, task, (directory) => stateOf(directory, task, part, numbersIn))
      assert.deepEqual(owned.rows, fresh.rows, `the state of the owner of ${task}, and a restored one`)
      for (const [key, value] of fresh.numbers) {
        assert(!all.has(key), `${key} is in two tasks`)
        all.set(key, value)
      }
    }
  }
  return { numbers, takeovers, strays }
}

async function newest(
  places: readonly Place[],
  task: string,
  read: (directory: string) => Promise<TaskRows | undefined>,
): Promise<TaskRows> {
  const found = (await Promise.all(places.map(({ directory }) => read(directory)))).filter(
    (state) => state !== undefined,
  )
  assert(found.length > 0, `a member has the state of ${task}`)
  return found.reduce((a, b) => (b.offset > a.offset ? b : a))
}

function countEpochs(records: readonly LogRecord[]): {
  readonly takeovers: number
  readonly strays: number
} {
  let epoch = 0
  let takeovers = 0
  let strays = 0
  for (const record of records) {
    const written = epochOf(record.headers)
    if (written < epoch) strays++
    else epoch = written
    if (kindOf(record) === 'epoch') takeovers++
  }
  return { takeovers, strays }
}

const sorted = <V>(entries: Iterable<readonly [string, V]>): ReadonlyMap<string, V> =>
  new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
const expected = (truth: Truth): ReadonlyMap<string, string> =>
  sorted([...truth.priced].map(([id, answer]) => [id, JSON.stringify(answer)] as const))
/** A group whose last answer was taken back has a total of nothing. */
const totals = (found: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
  sorted([...found].filter(([, total]) => total !== 0))
