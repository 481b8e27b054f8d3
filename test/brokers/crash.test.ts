import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDirectory } from '../../lib/brokers/embedded/directory.js'
import type { EmbeddedLog } from '../../lib/brokers/embedded/log.js'
import { createRandom, record, startChild, temporaryDirectories } from './support.js'

const directories = temporaryDirectories()
afterEach(() => directories.remove())

const { REVLOG_BROKER_KILLS } = process.env
const KILLS = Number(REVLOG_BROKER_KILLS ?? 8)

describe('the embedded broker', () => {
  it(`has every acknowledged record, and no half call, after each of ${KILLS} kills`, async () => {
    const path = directories.make()
    const random = createRandom(1)
    const acknowledged: string[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const child = startChild('produce', path, `${kill}`)
      acknowledged.push((await child.line())!)
      setTimeout(() => child.kill(), random.below(150))
      for (let line = await child.line(); line !== undefined; line = await child.line())
        acknowledged.push(line)
      await child.exited
      const directory = await openDirectory(path)
      checkLog(directory.log, acknowledged)
      await directory.close()
    }
    assert.ok(acknowledged.length > KILLS)
  })

  it('rejects what a full disk has no room for, and keeps and reads what it had', async function () {
    const path = join(directories.make(), 'disk')
    if (!mountSmallDisk(path)) return this.skip()
    try {
      const directory = await openDirectory(join(path, 'data'))
      const { broker, log } = directory
      await broker.createTopic({ name: 't', partitions: 1, config: { cleanupPolicy: 'delete' } })
      const records = Array.from({ length: 500 }, () => record('t', { value: Buffer.alloc(1_000, 'x') }))
      let acknowledged = 0
      const fill = async (): Promise<void> => {
        for (;;) {
          await broker.produce(records)
          acknowledged += records.length
        }
      }
      await assert.rejects(fill, { code: 'E_STATE_DISK_FULL' })
      await assert.rejects(fill, { code: 'E_STATE_DISK_FULL' })
      assert.ok(acknowledged > 0)
      assert.equal(countAll(log), acknowledged)
      rmSync(join(path, 'ballast'))
      await broker.produce(records)
      acknowledged += records.length
      assert.equal(countAll(log), acknowledged)
      await directory.close()
      const again = await openDirectory(join(path, 'data'))
      assert.equal(countAll(again.log), acknowledged)
      await again.close()
    } finally {
      execFileSync('umount', [path])
    }
  })
})

/** A disk of 8 MB in memory, with 2 MB on it that can be removed; needs root on Linux. */
function mountSmallDisk(path: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return false
  }
  writeFileSync(join(path, 'ballast'), Buffer.alloc(2 << 20))
  return statfsSync(path).blocks * statfsSync(path).bsize === 8 << 20
}

function countAll(log: EmbeddedLog): number {
  let count = 0
  for (let offset = 0; ; ) {
    const { records, nextOffset, endOffset } = log.read({ topic: 't', partition: 0, offset })
    count += records.length
    if (nextOffset === endOffset) return count
    offset = nextOffset
  }
}

/** Every call is there as a whole, in one piece, and every acknowledged one where it was said to be. */
function checkLog(log: EmbeddedLog, acknowledged: readonly string[]): void {
  const found = new Set<string>()
  for (const partition of [0, 1]) {
    const end = log.endOffset('t', partition)
    for (let offset = 0; offset < end; ) {
      const { records } = log.read({ topic: 't', partition, offset, maxRecords: 1_500, maxBytes: 1 << 20 })
      const call = records[0]!.key!.toString()
      const count = Number(records[0]!.value!.toString().split('/')[1])
      assert.ok(records.length >= count, `${call} has all of its records`)
      for (let i = 0; i < count; i++) {
        const { key, value } = records[i]!
        assert.equal(`${key} ${value}`.trimEnd(), `${call} ${i}/${count}`)
      }
      found.add(`${partition} ${offset} ${count} ${call}`)
      offset += count
    }
  }
  for (const line of acknowledged) assert.ok(found.has(line), `acknowledged and lost: ${line}`)
}
