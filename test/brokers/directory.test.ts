import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { openDirectory } from '../../lib/brokers/embedded/directory.js'
import { connectDirectory, openBroker } from '../../lib/brokers/embedded/open.js'
import { record, startChild, temporaryDirectories } from './support.js'

const directories = temporaryDirectories()
afterEach(() => directories.remove())

const DELETE = { cleanupPolicy: 'delete' } as const

describe('a directory', () => {
  it('has one holder; the next is told who, where, since when and by which command', async () => {
    const path = directories.make()
    const child = startChild('hold', path)
    assert.equal(await child.line(), 'held')
    await assert.rejects(openDirectory(path), (error: Error & { code: string }) => {
      assert.equal(error.code, 'E_STATE_DIR_LOCKED')
      assert.match(
        error.message,
        new RegExp(`process ${child.process.pid} on \\S+ since 20\\d\\d-.*hold\\.js`),
      )
      return true
    })
    await child.kill()
    const directory = await openDirectory(path)
    await directory.close()
  })

  it('is free again at once after any number of holders were killed', async () => {
    const path = directories.make()
    for (let i = 0; i < 4; i++) {
      const child = startChild('hold', path)
      assert.equal(await child.line(), 'held')
      await child.kill()
    }
    const directory = await openDirectory(path)
    assert.equal(readdirSync(path).filter((name) => name.endsWith('.sock')).length, 1)
    await directory.close()
  })

  it('has exactly one holder when many processes start at once over a stale lock', async () => {
    const path = directories.make()
    const first = startChild('hold', path)
    assert.equal(await first.line(), 'held')
    await first.kill()
    for (let round = 0; round < 2; round++) {
      const children = Array.from({ length: 8 }, () => startChild('hold', path))
      const lines = await Promise.all(children.map((child) => child.line()))
      assert.equal(lines.filter((line) => line === 'held').length, 1, lines.join('\n'))
      for (const line of lines) assert.match(line!, /^held|^E_STATE_DIR_LOCKED/)
      await Promise.all(children.map((child) => child.kill()))
    }
  })

  it('has exactly one holder when one process opens it many times at once', async () => {
    const path = directories.make()
    const opened = await Promise.allSettled(Array.from({ length: 20 }, () => openDirectory(path)))
    const held = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    assert.equal(held.length, 1)
    for (const result of opened) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'E_STATE_DIR_LOCKED')
    }
    await held[0]!.close()
    const again = await openDirectory(path)
    await again.close()
  })

  it('held by one thread is refused to another of the same process', async () => {
    const path = directories.make()
    const directory = await openDirectory(path)
    const worker = new Worker(new URL('./children/hold.js', import.meta.url), {
      argv: [path],
      stdout: true,
    })
    const line = await new Promise<string>((resolve) => worker.stdout.once('data', (d) => resolve(`${d}`)))
    assert.match(line, /^E_STATE_DIR_LOCKED/)
    await worker.terminate()
    await directory.close()
  })

  it('may have a path longer than a socket address', async () => {
    const path = join(directories.make(), 'x'.repeat(120), 'y'.repeat(120))
    const directory = await openDirectory(path)
    await assert.rejects(openDirectory(path), { code: 'E_STATE_DIR_LOCKED' })
    const broker = await connectDirectory(path)
    assert.deepEqual(await broker.listTopics(), [])
    await broker.close()
    await directory.close()
  })

  it('is the same by whatever path it is reached', async () => {
    const path = directories.make()
    const directory = await openDirectory(path)
    await assert.rejects(openDirectory(`${path}/../${path.split('/').at(-1)}/`), {
      code: 'E_STATE_DIR_LOCKED',
    })
    await directory.close()
  })

  it('that nobody holds cannot be connected to, and is opened instead', async () => {
    const path = join(directories.make(), 'new')
    await assert.rejects(connectDirectory(path), { code: 'E_STATE_DIR_NOT_HELD' })
    mkdirSync(path)
    await assert.rejects(connectDirectory(path), { code: 'E_STATE_DIR_NOT_HELD' })
    const first = await openBroker(path)
    const second = await openBroker(path)
    await first.createTopic({ name: 't', partitions: 1, config: DELETE })
    await second.produce([record('t')])
    assert.deepEqual(await first.endOffsets('t'), [1])
    await second.close()
    await first.close()
    const third = await openBroker(path)
    assert.deepEqual(await third.endOffsets('t'), [1])
    await third.close()
  })

  it('that was removed or replaced is noticed by the next commit, which keeps nothing', async () => {
    for (const replace of [false, true]) {
      const path = join(directories.make(), 'data')
      const directory = await openDirectory(path)
      await directory.broker.createTopic({ name: 't', partitions: 1, config: DELETE })
      renameSync(path, `${path}-moved`)
      if (replace) {
        mkdirSync(path)
        writeFileSync(join(path, 'data.mdb'), '')
      }
      await assert.rejects(directory.broker.produce([record('t')]), { code: 'E_STATE_DIR_VANISHED' })
      assert.throws(() => directory.transaction(() => {}), { code: 'E_STATE_DIR_VANISHED' })
      await directory.close()
      const moved = await openDirectory(`${path}-moved`)
      assert.equal(moved.log.endOffset('t', 0), 0)
      await moved.close()
    }
  })

  it('is readable by its owner alone', async () => {
    const path = join(directories.make(), 'data')
    const directory = await openDirectory(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
    for (const name of readdirSync(path).filter((file) => file.endsWith('.sock'))) {
      assert.equal(statSync(join(path, name)).mode & 0o777, 0o600)
    }
    await directory.close()
  })

  it('that is a file is refused with a remedy', async () => {
    const file = join(directories.make(), 'file')
    writeFileSync(file, '')
    await assert.rejects(openDirectory(file), { code: 'E_STATE_DIR_NOT_WRITABLE' })
  })

  it('that this user may not write is refused with a remedy', async function () {
    // Root may write everywhere.
    if (process.getuid?.() === 0) return this.skip()
    const parent = directories.make()
    chmodSync(parent, 0o500)
    await assert.rejects(openDirectory(join(parent, 'data')), { code: 'E_STATE_DIR_NOT_WRITABLE' })
    await assert.rejects(openDirectory(parent), { code: 'E_STATE_DIR_NOT_WRITABLE' })
    chmodSync(parent, 0o700)
  })

  it('commits log, state and positions together or not at all, and wakes readers afterwards', async () => {
    const path = directories.make()
    const directory = await openDirectory(path)
    const { log, environment, broker } = directory
    await broker.createTopic({ name: 't', partitions: 1, config: DELETE })
    const state = environment.database('task/store')
    const commit = (fail: boolean): void =>
      directory.transaction(() => {
        log.append([record('t', { value: Buffer.from('out') })])
        state.put('k', Buffer.from('v'))
        log.positions.set('app', 'in', 0, 42)
        if (fail) throw new Error('no')
      })
    assert.throws(() => commit(true), /^Error: no$/)
    assert.equal(log.endOffset('t', 0), 0)
    assert.equal(state.get('k'), undefined)
    assert.equal(log.positions.get('app', 'in', 0), undefined)
    const waiting = broker.waitForData([{ topic: 't', partition: 0, offset: 0 }], 10_000)
    commit(false)
    assert.equal(await waiting, true)
    await directory.close()
    const again = await openDirectory(path)
    assert.equal(again.log.endOffset('t', 0), 1)
    assert.equal(again.environment.database('task/store').get('k')?.toString(), 'v')
    assert.equal(again.log.positions.get('app', 'in', 0), 42)
    await again.close()
    rmSync(path, { recursive: true })
  })

  it('takes what waits to be produced along with the next transaction, whoever makes it', async () => {
    const directory = await openDirectory(directories.make())
    const { log, broker } = directory
    await broker.createTopic({ name: 't', partitions: 1, config: DELETE })
    const produced = broker.produce([record('t'), record('t')])
    const failing = (): void => {
      throw new Error('no')
    }
    assert.throws(() => directory.transaction(failing), /^Error: no$/)
    assert.equal(log.endOffset('t', 0), 0)
    directory.transaction(() => log.append([record('t')]))
    assert.equal(log.endOffset('t', 0), 3)
    assert.deepEqual(await produced, [{ topic: 't', partition: 0, baseOffset: 1, count: 2 }])
    const alone = await broker.produce([record('t')])
    assert.deepEqual(alone, [{ topic: 't', partition: 0, baseOffset: 3, count: 1 }])
    await directory.close()
  })

  it('gives what waits to who answers it in the same transaction, and the same again when that fails', async () => {
    const directory = await openDirectory(directories.make())
    const { log, broker, arrivals } = directory
    await broker.createTopic({ name: 't', partitions: 1, config: DELETE })
    const produced = broker.produce([record('t'), record('t')])
    const read: number[] = []
    const failing = (): void => {
      arrivals.takeIn()
      read.push(log.endOffset('t', 0))
      throw new Error('no')
    }
    assert.throws(() => directory.transaction(failing), /^Error: no$/)
    assert.throws(() => directory.transaction(failing), /^Error: no$/)
    assert.deepEqual([...read, log.endOffset('t', 0)], [2, 2, 0])
    const later = broker.produce([record('t')])
    directory.transaction(() => log.append([record('t')]))
    assert.deepEqual(await produced, [{ topic: 't', partition: 0, baseOffset: 0, count: 2 }])
    assert.deepEqual(await later, [{ topic: 't', partition: 0, baseOffset: 3, count: 1 }])
    await directory.close()
  })

  it('leaves what waits to who is told of it, but not for long', async () => {
    const directory = await openDirectory(directories.make())
    const { log, broker, arrivals } = directory
    await broker.createTopic({ name: 't', partitions: 1, config: DELETE })
    let told = 0
    let willing = true
    const end = arrivals.takenBy(() => {
      told++
      return willing
    })
    const taken = broker.produce([record('t')])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([arrivals.waiting(), log.endOffset('t', 0)], [true, 0])
    directory.transaction(() => arrivals.takeIn())
    assert.deepEqual([arrivals.waiting(), log.endOffset('t', 0)], [false, 1])
    await taken
    await broker.produce([record('t')])
    willing = false
    await broker.produce([record('t')])
    const before = told
    assert.ok(before > 2)
    end()
    await broker.produce([record('t')])
    assert.deepEqual([told, log.endOffset('t', 0)], [before, 4])
    await directory.close()
  })

  it('writes what waits when it is closed, also what somebody had taken in', async () => {
    const path = directories.make()
    const directory = await openDirectory(path)
    const { broker, arrivals } = directory
    await broker.createTopic({ name: 't', partitions: 1, config: DELETE })
    const end = arrivals.takenBy(() => true)
    const produced = broker.produce([record('t')])
    const failing = (): void => {
      arrivals.takeIn()
      throw new Error('no')
    }
    assert.throws(() => directory.transaction(failing), /^Error: no$/)
    await Promise.all([produced, directory.close()])
    end()
    const again = await openDirectory(path)
    assert.equal(again.log.endOffset('t', 0), 1)
    await again.close()
  })
})
