import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runEngine } from './engine-run.js'
import { jobOf } from './jobs.js'
import { openScratch } from './state-folder.js'
import { verifyAsOf, verifyCount } from './verify.js'
import { GRACE_MS, writeWorkload } from './workload.js'

const RECORDS = 20_000

describe('what the benchmarks measure', () => {
  const folder = mkdtempSync(join(tmpdir(), 'revlog-bench-test-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const name of ['asof-hot', 'asof-wide', 'count'] as const) {
    for (const stores of ['memory', 'lmdb'] as const) {
      it(`${name} on ${stores} gives the answers of a batch computation`, async () => {
        const job = jobOf(name, { graceMs: GRACE_MS })
        const file = join(folder, name)
        writeWorkload(job.workload, file, RECORDS)
        const verifier = (name === 'count' ? verifyCount : verifyAsOf)(file, RECORDS)
        const { backend, remove } = openScratch(stores)
        const { records, outputs } = runEngine({
          job,
          backend,
          file,
          records: RECORDS,
          commitEvery: 1_000,
          onOutput: verifier.output,
        })
        await remove()
        assert.equal(records, RECORDS)
        assert.ok(outputs > 0)
        assert.equal(verifier.wrong(), 0)
      })
    }
  }
})
