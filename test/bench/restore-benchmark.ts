import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChangelogRecord } from '../../lib/state/changelog.js'
import { restore as restoreState } from '../../lib/state/restore.js'
import type { Benchmark } from './benchmarks.js'
import { runEngine } from './engine-run.js'
import { inputFile } from './input-file.js'
import { type JobName, jobOf } from './jobs.js'
import { measure } from './measure.js'
import { openScratch } from './state-folder.js'

const RECORDS = 1_000_000

/**
 * A changelog back into an empty LMDB. The changelog is made first, by running the job, and kept in a file, so that
 * what is measured is reading, folding and writing rows.
 */
const restoreBenchmark = (name: JobName, graceMs: number, commitEvery: number): Benchmark => {
  const benchmark = `restore/${name}`
  const { workload } = jobOf(name, { graceMs })
  return {
    name: benchmark,
    async run({ records = RECORDS }) {
      const folder = mkdtempSync(join(tmpdir(), 'revlog-bench-changelog-'))
      const scratch = openScratch('lmdb')
      try {
        const changelog = join(folder, 'changelog')
        const writer = createWriter(changelog)
        runEngine({
          job: jobOf(name, { graceMs }),
          backend: openScratch('memory').backend,
          file: inputFile(workload, records),
          records,
          commitEvery,
          onChangelog: writer.write,
        })
        writer.close()
        return await measure(benchmark, async ({ tick }) => {
          const { records: done } = await restoreState(scratch.backend, () => readRecords(changelog), tick)
          return { records: done, details: { unit: 'changelog records', diskMiB: scratch.diskMiB() } }
        })
      } finally {
        await scratch.remove()
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/** key length u16 | key | value length i32, -1 without a value | value */
function createWriter(file: string) {
  const fd = openSync(file, 'w')
  let pending: Buffer[] = []
  let bytes = 0
  const flush = (): void => {
    writeSync(fd, Buffer.concat(pending))
    pending = []
    bytes = 0
  }
  return {
    write({ key, value }: ChangelogRecord): void {
      const head = Buffer.allocUnsafe(2 + key.length + 4)
      head.writeUInt16BE(key.length, 0)
      key.copy(head, 2)
      head.writeInt32BE(value?.length ?? -1, 2 + key.length)
      pending.push(head)
      bytes += head.length
      if (value !== undefined) {
        pending.push(Buffer.from(value))
        bytes += value.length
      }
      if (bytes > 1 << 20) flush()
    },
    close(): void {
      flush()
      closeSync(fd)
    },
  }
}

function* readRecords(file: string): Generator<readonly ChangelogRecord[]> {
  const fd = openSync(file, 'r')
  let rest = Buffer.alloc(0)
  for (;;) {
    const block = Buffer.allocUnsafeSlow(1 << 20)
    const length = readSync(fd, block, 0, block.length, null)
    if (length === 0) break
    const data = Buffer.concat([rest, block.subarray(0, length)])
    const records: ChangelogRecord[] = []
    let at = 0
    for (;;) {
      if (at + 2 > data.length) break
      const keyEnd = at + 2 + data.readUInt16BE(at)
      if (keyEnd + 4 > data.length) break
      const size = data.readInt32BE(keyEnd)
      const end = keyEnd + 4 + Math.max(0, size)
      if (end > data.length) break
      records.push({
        key: data.subarray(at + 2, keyEnd),
        value: size < 0 ? undefined : data.subarray(keyEnd + 4, end),
      })
      at = end
    }
    yield records
    rest = data.subarray(at)
  }
  closeSync(fd)
}

export const restore: readonly Benchmark[] = [
  restoreBenchmark('count', 0, 1_000),
  restoreBenchmark('asof-wide', 60_000, 20_000),
]
