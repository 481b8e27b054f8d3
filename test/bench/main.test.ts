import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Result } from './result.js'

const main = join(import.meta.dirname, 'main.js')
const bench = (...args: readonly string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 })

describe('npm run bench', () => {
  it('prints a line of JSON for each benchmark whose name was asked for', () => {
    const { status, stdout, stderr } = bench(
      'engine/chain',
      'restore/count',
      'service/count',
      '--records',
      '2000',
      '--json',
    )
    assert.equal(status, 0, stderr)
    const results = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Result)
    assert.deepEqual(
      results.map((result) => result.benchmark),
      ['engine/chain/memory', 'restore/count', 'service/count'],
    )
    for (const result of results) {
      assert.ok(result.records > 0)
      assert.ok(result.recordsPerSecond > 0 && result.nsPerRecord > 0 && result.cpuSeconds > 0)
      assert.ok(result.peakRssMiB > 0)
    }
  })

  it('prints a table', () => {
    const { stdout } = bench('engine/chain', '--records', '1000')
    assert.match(stdout, /^benchmark +records\/s +seconds +ns\/record +CPU s/m)
    assert.match(stdout, /^engine\/chain\/memory +[\d,]+ +[\d.]+ +[\d,]+ /m)
  })

  it('says what is wrong with its arguments', () => {
    const { status, stderr } = bench('no-such-benchmark')
    assert.equal(status, 1)
    assert.match(stderr, /no benchmark's name contains no-such-benchmark/)
  })
})
