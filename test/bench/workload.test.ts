import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../house/tree.js'
import { readWorkload, START, WORKLOADS, type WorkloadName, writeWorkload } from './workload.js'

describe("the benchmarks' workload", () => {
  const folder = mkdtempSync(join(tmpdir(), 'revlog-workload-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  const generator = join(root, '..', 'shared', 'peers', 'generate.mjs')
  for (const name of Object.keys(WORKLOADS) as WorkloadName[]) {
    it(`${name} has the very bytes that the other systems were measured with`, function () {
      if (!existsSync(generator)) this.skip()
      const ours = join(folder, `${name}-ours`)
      const theirs = join(folder, `${name}-theirs`)
      writeWorkload(name, ours, 20_000)
      assert.equal(spawnSync(process.execPath, [generator, name, theirs, '20000']).status, 0)
      assert.ok(readFileSync(ours).equals(readFileSync(theirs)))
    })
  }

  it('is read back whole, once, and out of order', () => {
    const file = join(folder, 'read')
    writeWorkload('asof-hot', file, 20_000)
    const records = [...readWorkload(file, Infinity)].flat()
    const numbers = records.map(({ value }) => value.readDoubleBE(0))
    assert.equal(new Set(numbers).size, 20_000)
    assert.ok(records.every(({ timestamp, key }, i) => timestamp === START + numbers[i]! && key.length === 7))
    assert.ok(numbers.some((n, i) => i > 0 && n < numbers[i - 1]!))
    assert.deepEqual([...readWorkload(file, 5_000)].flat().length, 5_000)
  })
})
