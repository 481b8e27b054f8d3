import assert from 'node:assert/strict'
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { RevlogError } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { truthOf } from './consultants/batch.js'
import { inputOf, recordOf } from './consultants/input.js'
import { advice, consultants, received } from './consultants/topology.js'
import { mountDisk, unmount } from './small-disk.js'
import { inDirectory, tableOf, withCode } from './support.js'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const inputs = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => recordOf(inputOf(from + i)))

describe('a service and its disk', () => {
  it('says that the disk is full, waits, and goes on when there is room', async function () {
    const disk = mountDisk(48)
    if (disk === undefined) return this.skip()
    const directory = join(disk.path, 'data')
    const events: ServiceEvent[] = []
    try {
      const service = await run(consultants, { directory, onEvent: (event) => events.push(event) })
      let next = 0
      const refused = await (async (): Promise<unknown> => {
        for (;;) {
          try {
            await service.broker.produce(inputs(next, next + 500))
            next += 500
          } catch (thrown) {
            return thrown
          }
        }
      })()
      assert.ok(refused instanceof RevlogError)
      assert.equal(refused.code, 'E_STATE_DISK_FULL')
      while (!events.some((event) => event.kind === 'paused')) await sleep(20)
      disk.remount('size=400m')
      await service.caughtUp()
      assert.deepEqual(
        events.map((event) => event.kind),
        ['running', 'paused', 'resumed'],
      )
      const ends = await Promise.all(['recommendations', 'moods'].map((t) => service.broker.endOffsets(t)))
      assert.equal(
        ends.flat().reduce((a, b) => a + b, 0),
        next,
        'a refused call has left nothing',
      )
      const truth = truthOf(next)
      assert.deepEqual(new Map(await tableOf(service, advice)), truth.advice)
      assert.deepEqual(new Map(await tableOf(service, received)), truth.answered)
      await service.stop()
    } finally {
      unmount(disk.path)
    }
  })

  it('that is full when it is stopped says so, and nothing is lost at the next start', async function () {
    const disk = mountDisk(48)
    if (disk === undefined) return this.skip()
    const directory = join(disk.path, 'data')
    try {
      let paused = false
      const service = await run(consultants, {
        directory,
        onEvent: (event) => {
          paused ||= event.kind === 'paused'
        },
      })
      let next = 0
      for (let full = false; !full; next += full ? 0 : 500) {
        await service.broker.produce(inputs(next, next + 500)).catch(() => {
          full = true
        })
      }
      while (!paused) await sleep(20)
      await assert.rejects(service.stop(), withCode('E_STATE_DISK_FULL'))
      disk.remount('size=400m')
      const again = await run(consultants, { directory })
      await again.caughtUp()
      assert.deepEqual(new Map(await tableOf(again, advice)), truthOf(next).advice)
      await again.stop()
    } finally {
      unmount(disk.path)
    }
  })

  it('that may not be written says so', async function () {
    const disk = mountDisk(16)
    if (disk === undefined) return this.skip()
    try {
      const first = await run(consultants, { directory: join(disk.path, 'data') })
      await first.stop()
      disk.remount('ro')
      await assert.rejects(
        run(consultants, { directory: join(disk.path, 'data') }),
        withCode('E_STATE_DIR_NOT_WRITABLE'),
      )
      await assert.rejects(
        run(consultants, { directory: join(disk.path, 'new') }),
        withCode('E_STATE_DIR_NOT_WRITABLE'),
      )
    } finally {
      unmount(disk.path)
    }
  })

  it('with a damaged data file is named, with the file, before anything reads it', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'data.mdb')
      const first = await run(consultants, { directory })
      await first.broker.produce(inputs(0, 5_000))
      await first.caughtUp()
      await first.stop()
      const { size } = statSync(file)
      truncateSync(file, size - 4_096)
      await assert.rejects(run(consultants, { directory }), withCode('E_STATE_FILE_DAMAGED', file, 'cut off'))
      const fd = openSync(file, 'r+')
      writeSync(fd, Buffer.alloc(4_096), 0, 4_096, 0)
      closeSync(fd)
      await assert.rejects(run(consultants, { directory }), withCode('E_STATE_FILE_DAMAGED', file))
      truncateSync(file, 0)
      await assert.rejects(run(consultants, { directory }), withCode('E_STATE_FILE_DAMAGED', file, 'empty'))
    }))

  it('from which the directory disappears stops instead of writing into nothing', () =>
    inDirectory(async (directory) => {
      const service = await run(consultants, { directory })
      await service.broker.produce(inputs(0, 100))
      await service.caughtUp()
      rmSync(directory, { recursive: true })
      await assert.rejects(service.broker.produce(inputs(100, 200)), withCode('E_STATE_DIR_VANISHED'))
      await service.stop().catch(withCode('E_STATE_DIR_VANISHED'))
    }))
})
