import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RevlogError } from '../../lib/core/errors.js'
import { createLmdbBackend } from '../../lib/state/lmdb/backend.js'
import { openEnvironment } from '../../lib/state/lmdb/environment.js'

const temporary = (): string => mkdtempSync(join(tmpdir(), 'revlog-lmdb-'))

/** Mounts of their own need root, which not every machine gives to tests. */
function mounted(
  options: string,
  use: (path: string) => Promise<void>,
): (this: Mocha.Context) => Promise<void> {
  return async function () {
    const path = temporary()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' })
    } catch {
      console.log('skipped: needs a file system of its own (run as root on Linux to enable)')
      return this.skip()
    }
    try {
      await use(path)
    } finally {
      execFileSync('umount', [path])
    }
  }
}

describe('an LMDB environment', () => {
  let sound: string
  before(async () => {
    sound = temporary()
    const environment = openEnvironment(sound, { durability: 'durable' })
    const rows = environment.database('rows')
    environment.transaction(() => {
      for (let i = 0; i < 1_000; i++) rows.put(`k${i}`, Buffer.alloc(100, i))
    })
    await environment.flushed()
    await environment.close()
  })
  after(() => rmSync(sound, { recursive: true }))

  const damaged = (name: string, damage: (file: string) => void, says: RegExp) =>
    it(`refuses a data file that ${name}, and says so before LMDB crashes on it`, () => {
      const directory = temporary()
      const file = join(directory, 'data.mdb')
      copyFileSync(join(sound, 'data.mdb'), file)
      damage(file)
      const bytes = readFileSync(file)
      assert.throws(
        () => openEnvironment(directory, { durability: 'durable' }),
        (error) =>
          error instanceof RevlogError &&
          error.code === 'E_STATE_FILE_DAMAGED' &&
          says.test(error.problem) &&
          error.problem.includes(file) &&
          error.remedy !== undefined,
      )
      assert.deepEqual(readFileSync(file), bytes)
      rmSync(directory, { recursive: true })
    })
  const overwrite = (from: number, to: number, byte: number) => (file: string) => {
    const bytes = readFileSync(file)
    bytes.fill(byte, from, to)
    writeFileSync(file, bytes)
  }
  damaged('is empty', (file) => truncateSync(file, 0), /is empty/)
  damaged('has 100 bytes', (file) => truncateSync(file, 100), /cut off/)
  damaged('has one page', (file) => truncateSync(file, 4_096), /cut off/)
  damaged(
    'lacks its last page',
    (file) => truncateSync(file, statSync(file).size - 4_096),
    /cut off: it has \d+ bytes of \d+/,
  )
  damaged('lacks a part of its last page', (file) => truncateSync(file, statSync(file).size - 1), /cut off/)
  damaged('has zeros for its first page', overwrite(0, 4_096, 0), /first page is damaged/)
  damaged('has zeros for its second page', overwrite(4_096, 8_192, 0), /second page is damaged/)
  damaged('has nonsense for its first pages', overwrite(0, 8_192, 0xa5), /no LMDB file/)
  damaged('is another file', (file) => writeFileSync(file, 'hello '.repeat(2_000)), /no LMDB file/)

  it('is never taken for a damaged one, whatever was written and freed', async () => {
    const directory = temporary()
    let seed = 7
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return seed / 0x7fff_ffff
    }
    let environment = openEnvironment(directory, { durability: 'lazy' })
    for (let round = 0; round < 300; round++) {
      const rows = environment.database('rows')
      environment.transaction(() => {
        for (let i = random() * random() * 100; i > 0; i--) {
          const key = `k${Math.floor(random() * 200)}`
          if (random() < 0.4) rows.delete(key)
          else rows.put(key, Buffer.alloc(random() < 0.3 ? random() * 40_000 : 100))
        }
      })
      if (round % 10 === 0) {
        await environment.close()
        environment = openEnvironment(directory, { durability: 'lazy' })
      }
    }
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('is for this user only', async () => {
    const directory = join(temporary(), 'made')
    await openEnvironment(directory, { durability: 'lazy' }).close()
    for (const [path, mode] of [
      ['.', 0o700],
      ['data.mdb', 0o600],
      ['lock.mdb', 0o600],
    ] as const) {
      assert.equal(statSync(join(directory, path)).mode & 0o777, mode, path)
    }
    rmSync(directory, { recursive: true })
  })

  it('takes back all of a transaction that throws', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy' })
    const [a, b] = [environment.database('a'), environment.database('b')]
    environment.transaction(() => a.put('k', Buffer.from('1')))
    assert.throws(() =>
      environment.transaction(() => {
        a.put('k', Buffer.from('2'))
        environment.transaction(() => b.put('k', Buffer.from('2')))
        throw new Error('no')
      }),
    )
    assert.equal(String(a.get('k')), '1')
    assert.equal(b.get('k'), undefined)
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('makes a commit of a task part of the transaction around it', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy' })
    const log = environment.database('log')
    const state = createLmdbBackend(environment, 'task')
    const rows = state.rows('store')
    const commit = (text: string) => {
      log.put('k', Buffer.from(text))
      state.commit([{ store: 'store', writes: [{ key: 'k', value: Buffer.from(text) }] }], Buffer.from(text))
    }
    environment.transaction(() => commit('1'))
    assert.throws(() =>
      environment.transaction(() => {
        commit('2')
        throw new Error('no')
      }),
    )
    assert.deepEqual([log.get('k'), rows.get('k'), state.metadata()].map(String), ['1', '1', '1'])
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('takes no asynchronous transaction', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy' })
    const rows = environment.database('rows')
    assert.throws(
      () =>
        environment.transaction(async () => {
          rows.put('k', Buffer.from('v'))
        }),
      /a transaction is synchronous/,
    )
    assert.equal(rows.get('k'), undefined)
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('opens no database inside a transaction, whose handle would outlive it', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy' })
    assert.throws(() => environment.transaction(() => environment.database('late')), /before the transaction/)
    assert.deepEqual(environment.databaseNames(''), [])
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('says how many databases there is room for when one is too many', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy', maxDatabases: 2 })
    for (const name of ['a', 'b']) environment.database(name)
    assert.throws(
      () => environment.database('c'),
      (error) => error instanceof RevlogError && error.code === 'E_STATE_TOO_MANY_STORES',
    )
    assert.deepEqual(environment.databaseNames(''), ['a', 'b'])
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('may be opened with another durability than before', async () => {
    const directory = temporary()
    for (const durability of ['lazy', 'durable', 'lazy', 'durable'] as const) {
      const environment = openEnvironment(directory, { durability })
      const rows = environment.database('rows')
      environment.transaction(() => rows.put(durability, Buffer.from('v')))
      await environment.flushed()
      await environment.close()
    }
    rmSync(directory, { recursive: true })
  })

  it('uses the room of deleted rows again', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy' })
    const rows = environment.database('rows')
    const sizes: number[] = []
    for (let round = 0; round < 30; round++) {
      environment.transaction(() => {
        for (let i = 0; i < 500; i++) rows.put(`${round}-${i}`, Buffer.alloc(1_000, round))
      })
      environment.transaction(() => {
        for (let i = 0; i < 500; i++) rows.delete(`${round}-${i}`)
      })
      sizes.push(statSync(join(directory, 'data.mdb')).blocks)
    }
    assert.ok(sizes[29]! <= 3 * sizes[2]!, `blocks after each round: ${sizes.join(' ')}`)
    await environment.close()
    rmSync(directory, { recursive: true })
  })

  it('notices that its file was deleted, where LMDB would write on into nothing', async () => {
    const directory = temporary()
    const environment = openEnvironment(directory, { durability: 'lazy' })
    const rows = environment.database('rows')
    rmSync(directory, { recursive: true })
    assert.throws(
      () => environment.transaction(() => rows.put('k', Buffer.from('v'))),
      (error) => error instanceof RevlogError && error.code === 'E_STATE_DIR_VANISHED',
    )
    await environment.close()
  })

  it(
    'says that the disk is full, keeps what was committed, and goes on when there is room',
    mounted('size=6m', async (path) => {
      const environment = openEnvironment(path, { durability: 'durable' })
      const rows = environment.database('rows')
      let committed = 0
      const fill = () => {
        for (;;) {
          environment.transaction(() => {
            for (let i = 0; i < 20; i++) rows.put(`k${committed}-${i}`, Buffer.alloc(4_000, committed))
          })
          committed++
        }
      }
      assert.throws(
        fill,
        (error) =>
          error instanceof RevlogError &&
          error.code === 'E_STATE_DISK_FULL' &&
          error.problem.includes(path) &&
          /\d+ KiB are free/.test(error.problem),
      )
      assert.ok(committed > 10)
      for (let n = 0; n < committed; n++) assert.deepEqual(rows.get(`k${n}-19`), Buffer.alloc(4_000, n))
      assert.equal(rows.get(`k${committed}-0`), undefined)
      execFileSync('mount', ['-o', 'remount,size=12m', path])
      environment.transaction(() => rows.put('after', Buffer.from('room')))
      await environment.flushed()
      await environment.close()
      const again = openEnvironment(path, { durability: 'durable' })
      assert.equal(String(again.database('rows').get('after')), 'room')
      await again.close()
    }),
  )

  it(
    'says that a directory cannot be written',
    mounted('ro,size=1m', async (path) => {
      assert.throws(
        () => openEnvironment(join(path, 'state'), { durability: 'durable' }),
        (error) =>
          error instanceof RevlogError &&
          error.code === 'E_STATE_DIR_NOT_WRITABLE' &&
          error.message.includes(path),
      )
    }),
  )
})
