import assert from 'node:assert/strict'
import { correctionText, span } from '../../lib/cli/correction-text.js'
import { createMetrics } from '../../lib/core/metrics.js'
import { correctionReports } from '../../lib/service/correction-report.js'

/** What one task of a join named `j` has counted. */
function task(first: number, corrected: number, needed: readonly number[], late: readonly number[]) {
  const metrics = createMetrics()
  metrics.counter('j.first-answers').add(first)
  metrics.counter('j.corrected-answers').add(corrected)
  metrics.counter('j.corrections').add(needed.length)
  for (const ms of needed) metrics.histogram('j.correction-grace').record(ms)
  for (const ms of needed) metrics.histogram('j.time-to-correction').record(ms)
  for (const ms of late) metrics.histogram('j.lateness-right').record(ms)
  for (let i = 0; i < first; i++) metrics.histogram('j.lateness-left').record(0)
  return metrics.snapshot()
}

describe('the correction report', () => {
  it('adds up the partitions of a join', () => {
    const tasks = new Map([
      ['0_0', task(60, 2, [1_000, 90_000], [0, 90_000])],
      ['0_1', task(40, 1, [400_000], [0, 0, 400_000])],
      ['1_0', createMetrics().snapshot()],
    ])
    const reports = correctionReports({ tasks })
    assert.equal(reports.length, 1)
    const { operator, firstAnswers, correctedAnswers, corrections, graceNeeded, lateness } = reports[0]!
    assert.deepEqual([operator, firstAnswers, correctedAnswers, corrections], ['j', 100, 3, 3])
    assert.deepEqual([graceNeeded.count, graceNeeded.max], [3, 400_000])
    assert.deepEqual([graceNeeded.atLeast(60_000), graceNeeded.atLeast(300_000)], [2, 1])
    assert.equal(graceNeeded.quantile(1), 400_000)
    assert.deepEqual([lateness.left.count, lateness.right.count], [100, 5])
  })

  it('says what a smaller grace period would have lost', () => {
    const tasks = new Map([['0_0', task(100, 3, [2_000, 90_000, 400_000], [0, 90_000])]])
    assert.deepEqual(correctionReports({ tasks }).flatMap(correctionText), [
      'correction report of j, in event time:',
      '  first answers        100, of which 3 (3.0 %) were corrected',
      '  corrections          3: half within 1 min 33 s, 99 % within 6 min 40 s',
      '  lateness                    left       right',
      '    on time                    100           1',
      '    up to 5 min                  0           1',
      '  a grace period of    would have lost',
      '    6 min 40 s         no correction: the longest that one needed',
      '    5 min              1 correction (33.3 %)',
      '    1 min              2 corrections (66.7 %)',
      '    10 s               2 corrections (66.7 %)',
      '    1 s                3 corrections (100.0 %)',
    ])
  })

  it('is silent where nothing was joined', () => {
    assert.deepEqual(correctionReports({ tasks: new Map() }), [])
    assert.deepEqual(
      correctionReports({ tasks: new Map([['0_0', task(0, 0, [], [])]]) }).flatMap(correctionText),
      [],
    )
  })

  it('says times in the units that people use', () => {
    const times = [250, 48_000, 200_000, 3_600_000, 18_300_000, 86_400_000 * 12]
    assert.deepEqual(times.map(span), ['250 ms', '48 s', '3 min 20 s', '1 h', '5 h 5 min', '12 days'])
  })
})
