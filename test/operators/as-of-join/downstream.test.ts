import assert from 'node:assert/strict'
import { minutes } from '../../../lib/core/duration.js'
import { lastHeader } from '../../../lib/core/record.js'
import { REVISION_HEADERS } from '../../../lib/core/revision.js'
import { stream, table } from '../../../lib/dsl/sources.js'
import { json } from '../../../lib/serdes/json.js'
import { int64, string } from '../../../lib/serdes/primitives.js'
import { topic } from '../../../lib/topology/topic.js'
import { topology } from '../../../lib/topology/topology.js'
import { arrivals, expectConverges, TopologyTestDriver } from '../../../test-driver/index.js'
import consultants, { type Advice, advice, moods, recommendations } from '../../../topologies/consultants.js'
import { answers, feed, joined, SCHEDULES, sorted, topologyOf } from './run.js'
import { type Answer, batchJoin, type Case, caseOf, randomOf } from './workload.js'

const counts = topic('counts', { key: string(), value: int64() })
const sums = topic('sums', { key: string(), value: json<Sum>() })

interface Sum {
  readonly n: number
  readonly v: number
}

/** What an answer is counted under. */
const groupOf = ({ key, right }: Answer): string => `${key}/${JSON.stringify(right)}`

const aggregatesOf = (c: Case) => {
  const table = joined(c.options).filter((answer) => !isEnd(answer))
  return topology('downstream', [
    table
      .groupBy(groupOf, { name: 'by-group', key: string() })
      .count({ name: 'count' })
      .toStream()
      .to(counts),
    table
      .groupBy(({ right }) => typeof right, { name: 'by-type', key: string() })
      .aggregate({
        name: 'sum',
        value: json<Sum>(),
        init: () => ({ n: 0, v: 0 }),
        add: (sum, { v }) => ({ n: sum.n + 1, v: sum.v + v }),
        subtract: (sum, { v }) => ({ n: sum.n - 1, v: sum.v - v }),
      })
      .toStream()
      .to(sums),
  ])
}

const isEnd = ({ id }: Answer): boolean => id === 'end'

function batchAggregates(c: Case) {
  const n = new Map<string, number>()
  const s = new Map<string, Sum>()
  for (const answer of batchJoin(c).values()) {
    n.set(groupOf(answer), (n.get(groupOf(answer)) ?? 0) + 1)
    const { n: count, v } = s.get(typeof answer.right) ?? { n: 0, v: 0 }
    s.set(typeof answer.right, { n: count + 1, v: v + answer.v })
  }
  return { n, s }
}

describe('what is made of the answers corrects itself too', () => {
  it('a count and a sum equal the batch aggregates, through crashes, lost state and partitions', function () {
    this.timeout(60_000)
    for (let seed = 1; seed <= 80; seed++) {
      const c = caseOf(seed + 7_000)
      const random = randomOf(seed)
      const partitions = random.pick([1, 1, 3])
      const driver = new TopologyTestDriver(aggregatesOf(c), { partitions })
      const schedule = random.pick(SCHEDULES.filter((one) => one !== 'crash and send again'))
      feed(driver, c, schedule, partitions)
      const { n, s } = batchAggregates(c)
      const live = <V>(map: ReadonlyMap<string, V>, empty: (v: V) => boolean) =>
        sorted(new Map([...map].filter(([, v]) => !empty(v))))
      const at = `seed ${seed}, ${schedule}, ${partitions} partitions`
      assert.deepEqual(
        live(driver.lastRevisions(counts), (v) => v === 0),
        sorted(n),
        at,
      )
      assert.deepEqual(
        live(driver.lastRevisions(sums), (v) => v.n === 0),
        sorted(s),
        at,
      )
      driver.close()
    }
  })

  it('a table of the revision log is the table of last revisions, however often and in what order it is read', () => {
    const copy = topic('copy', { key: string(), value: json<Answer>() })
    for (let seed = 1; seed <= 30; seed++) {
      const c = caseOf(seed + 9_000)
      const writer = new TopologyTestDriver(topologyOf(c.options))
      feed(writer, c, 'crash and send again')
      const written = writer.outputTopic(answers).readRecordsToList()
      const reader = new TopologyTestDriver(topology('reader', [table(answers).toStream().to(copy)]))
      const random = randomOf(seed)
      const shuffled = [...written, ...written]
        .map((record) => ({ record, at: random.next() }))
        .sort((a, b) => a.at - b.at)
      for (const { record } of shuffled) {
        const { key, value, timestamp, headers } = record
        reader.inputTopic(answers).pipeRecord({ key, value, timestamp, headers })
      }
      const read = new Map<string, Answer>()
      for (const { key, value } of reader.outputTopic(copy).readKeyValuesToList()) {
        if (value === undefined) read.delete(key)
        else read.set(key, value)
      }
      const expected = new Map([...batchJoin(c)])
      const isOurs = ([, answer]: readonly [string, Answer]) => !isEnd(answer)
      assert.deepEqual(sorted(new Map([...read].filter(isOurs))), sorted(expected), `seed ${seed}`)
      writer.close()
      reader.close()
    }
  })

  it('filter and mapValues keep the revision, every other step drops it', () => {
    const c = caseOf(1)
    const answer = joined({
      ...c.options,
      how: 'left',
      emit: 'early',
      delay: undefined as never,
      corrections: 'eager',
    })
    const kept = topic('kept', { key: string(), value: json<Answer>() })
    const dropped = topic('dropped', { key: string(), value: json<Answer>() })
    const driver = new TopologyTestDriver(
      topology('headers', [
        answer
          .filter(() => true)
          .mapValues((v) => v, { value: json<Answer>() })
          .toStream()
          .filter(() => true)
          .mapValues((v) => v)
          .to(kept),
        answer
          .toStream()
          .map((value, key) => ({ key, value }))
          .to(dropped),
      ]),
    )
    feed(driver, { ...c, arrivals: [] }, 'in order')
    const revisions = (t: typeof kept) =>
      driver
        .outputTopic(t)
        .readRecordsToList()
        .map(({ headers }) => lastHeader(headers, REVISION_HEADERS.revision) !== undefined)
    assert.deepEqual(new Set(revisions(kept)), new Set([true]))
    assert.deepEqual(new Set(revisions(dropped)), new Set([false]))
    driver.close()
  })
})

describe('expectConverges', () => {
  const inputs = [
    arrivals(
      recommendations,
      Array.from({ length: 30 }, (_, i) => ({
        key: `c${i % 3}`,
        value: { id: `r${i}`, consultant: `c${i % 3}`, client: 'x', product: 'y', eventTime: i * 60_000 },
        timestamp: i * 60_000,
      })),
    ),
    arrivals(
      moods,
      Array.from({ length: 30 }, (_, i) => ({
        key: `c${i % 3}`,
        value: { consultant: `c${i % 3}`, mood: `m${i}`, eventTime: i * 60_000 + 1 },
        timestamp: i * 60_000 + 1,
      })),
    ),
  ]

  it('passes on the consultants', () => {
    expectConverges(consultants, inputs, { seeds: 50, gracePeriod: minutes(10) })
  })

  it('fails when the grace period is shorter than the records are late', () => {
    const hasty = stream(recommendations).asOfJoin(stream(moods), {
      name: 'mood',
      id: (recommendation) => recommendation.id,
      join: (recommendation, mood): Advice => ({ ...recommendation, mood: mood?.mood ?? 'unknown' }),
      gracePeriod: minutes(1),
    })
    const broken = topology('hasty', [hasty.toStream().to(advice)])
    assert.throws(() => expectConverges(broken, inputs, { seeds: 50, gracePeriod: minutes(10) }), {
      code: 'E_NOT_CONVERGED',
    })
  })
})
