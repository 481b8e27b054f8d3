import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Folder, lines, ROOT, strangersFolder } from '../cli/revlog.js'
import { type Answer, batchJoin, DATA, needsData, readTable, shuffled } from './nyc-2013.js'

const SIX_HOURS = 6 * 3_600_000

describe('the flights of 2013 and their weather', function () {
  needsData(this)
  let folder: Folder
  let expected: readonly Answer[]
  before(() => {
    folder = strangersFolder()
    if (!this.pending) expected = batchJoin()
  })
  after(() => folder.remove())

  const answers = (out: string): unknown[] => lines(out).map(({ value }) => value)
  const topology = join(ROOT, 'dist/topologies/flights.js')

  it('one command prints a line for each flight and nothing else: those of the batch join', () => {
    const { status, stdout } = spawnSync(
      'node',
      ['dist/topologies/flights-demo.js', '--data', DATA, '--table'],
      {
        cwd: ROOT,
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      },
    )
    assert.equal(status, 0)
    assert.equal(expected.length, 32_735)
    assert.deepEqual(lines(stdout), expected)
  })

  it('produce, run and consume give the same', async () => {
    for (const name of ['flights', 'weather']) {
      const file = join(DATA, `${name}.csv.gz`)
      const { code, err } = await folder.revlog(['produce', name, file, '--topology', topology])
      assert.equal(code, 0, err)
    }
    const { code, err } = await folder.revlog(['run', topology, '--until-end'])
    assert.equal(code, 0, err)
    const { out } = await folder.revlog(['consume', 'departures', '--table'])
    assert.deepEqual(answers(out), expected)
  })

  it('both files shuffled within six hours of grace give the same, though what is older is forgotten', async () => {
    const random = seeded(20130101)
    folder.write('flights.csv', shuffled(readTable('flights'), 2, SIX_HOURS, random))
    folder.write('weather.csv', shuffled(readTable('weather'), 1, SIX_HOURS, random))
    folder.write(
      'hours.js',
      `import { hours } from 'revlog'
       import { flightsAndWeather } from 'revlog-topologies/flights.js'
       export default flightsAndWeather(hours(6))`.replace('revlog-topologies/flights.js', topology),
    )
    const inputs = ['--from', 'flights=flights.csv', '--from', 'weather=weather.csv', '--dir', 'kept']
    const { code, out, err } = await folder.revlog(['run', 'hours.js', '--table', 'departures', ...inputs])
    assert.equal(code, 0, err)
    assert.deepEqual(answers(out), expected)
  })
})

/** A small seeded generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
