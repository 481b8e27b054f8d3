import assert from 'node:assert/strict'
import { type Duration, milliseconds } from 'revlog'
import { correctionReport, formatCorrectionReport, type GraceCost, run } from 'revlog/service'
import { truthOf } from './consultants/batch.js'
import { inputOf, recordOf } from './consultants/input.js'
import { advice, adviceWithin, GRACE } from './consultants/topology.js'
import { inDirectory, tableOf } from './support.js'

const N = 6_000

/** Runs the join over the same input and says what it reports and how many of its last answers are wrong. */
const answersWithin = (gracePeriod: Duration) =>
  inDirectory(async (directory) => {
    const service = await run(adviceWithin(gracePeriod), { directory, partitions: 2 })
    for (let i = 0; i < N; i += 500) {
      await service.broker.produce(Array.from({ length: 500 }, (_, j) => recordOf(inputOf(i + j))))
      await service.caughtUp()
    }
    const report = correctionReport(service.metrics())
    const truth = truthOf(N)
    const table = new Map(await tableOf(service, advice))
    const wrong = [...truth.advice].filter(([id, { mood }]) => table.get(id)?.mood !== mood).length
    await service.stop()
    return { report, wrong, lefts: truth.lefts.length }
  })

describe('the correction report', () => {
  it('says what a smaller grace period costs, and is right about it', async () => {
    const { report, wrong, lefts } = await answersWithin(GRACE)
    assert.equal(wrong, 0)
    const [join] = report.joins
    assert.ok(join !== undefined && report.joins.length === 1)
    assert.equal(join.operator, 'mood-at-recommendation')
    assert.equal(join.firstAnswers, lefts)
    assert.ok(join.correctedAnswers > 50 && join.corrections >= join.correctedAnswers)
    assert.equal(join.correctedShare, join.correctedAnswers / lefts)
    assert.equal(join.lateness.left.count + join.lateness.right.count, N)
    assert.ok(join.timeToCorrection.quantile(0.5) <= join.timeToCorrection.quantile(0.99))
    assert.ok(join.timeToCorrection.max <= 12_000)
    assert.equal(join.gracePeriods[0]?.gracePeriodMs, 0)
    for (const gracePeriodMs of [0, 1_000, 5_000]) {
      const cost: GraceCost | undefined = join.gracePeriods.find((c) => c.gracePeriodMs === gracePeriodMs)
      const less = await answersWithin(milliseconds(gracePeriodMs))
      assert.ok(cost !== undefined && cost.lostCorrections > 0)
      const said: number = cost.lostCorrections + cost.lateLeftEvents
      assert.ok(less.wrong <= said, `${less.wrong} wrong, ${said} said`)
      assert.ok(less.wrong >= said / 3, `${less.wrong} wrong, ${said} said`)
      assert.equal(cost.lostShare, said / lefts)
    }
  })

  it('can be read by a person', async () => {
    const { report } = await answersWithin(GRACE)
    const text = formatCorrectionReport(report)
    assert.match(
      text,
      /^correction report of mood-at-recommendation.*\n {2}first answers {3}[\d,]+, of which [\d,]+ \([\d.]+ %\) were corrected/,
    )
    assert.match(text, /corrected {7}half within [\d.]+ s, 99 % within [\d.]+ s/)
    assert.match(text, / in order .*%/)
    assert.match(
      text,
      /a smaller grace period would have lost, at most\n.*\n +0 ms +[\d,]+ +[\d,]+ +[\d.]+ %\n/,
    )
    assert.ok(text.split('\n').every((line) => line.length <= 100))
  })

  it('says what was dropped, and has nothing to say where no answer was given', () => {
    const tasks = new Map([
      [
        '0_0',
        {
          counters: new Map([['dropped-records.null-key', 1_234]]),
          gauges: new Map(),
          histograms: new Map(),
        },
      ],
    ])
    const report = correctionReport({ tasks })
    assert.deepEqual(report.joins, [])
    assert.equal(formatCorrectionReport(report), 'dropped 1,234 records: null-key')
  })
})
