import assert from 'node:assert/strict'
import type { BinaryKey } from '../../lib/core/binary-key.js'
import { MAX_KEY_BYTES, type Row, type Scan, type StateBackend } from '../../lib/state/port.js'
import { createWriteBuffer, type WriteBuffer } from '../../lib/state/write-buffer.js'
import type { Engine } from './engines.js'
import { createRandom, type Random } from './random.js'

const STORES = ['a', 'b']
const METADATA = (commit: number): Buffer => Buffer.from(`commit ${commit}`)

/** The same as an engine and a write buffer, written so that it is plainly right. */
type Model = Map<BinaryKey, Buffer>

function scanModel(model: Model, { from, to, reverse = false, limit }: Scan): Row[] {
  const keys = [...model.keys()].sort()
  const inside = keys.filter((key) => (from === undefined || key >= from) && (to === undefined || key < to))
  if (reverse) inside.reverse()
  return inside.slice(0, Math.max(0, limit)).map((key) => ({ key, value: model.get(key)! }))
}

const UNITS = ['\0', '\x01', 'a', 'b', '\x7f', '\x80', '\xfe', '\xff']

function randomKey(random: Random): BinaryKey {
  if (random.chance(0.01)) return random.pick(UNITS).repeat(MAX_KEY_BYTES)
  let key = random.pick(UNITS)
  for (let n = random.integer(3); n > 0; n--) key += random.pick(UNITS)
  return key
}

const randomValue = (random: Random): Buffer =>
  Buffer.alloc(random.chance(0.02) ? random.integer(20_000) : random.integer(30), random.integer(256))

function randomScan(random: Random): Scan {
  return {
    from: random.chance(0.3) ? undefined : random.chance(0.05) ? '' : randomKey(random),
    to: random.chance(0.3) ? undefined : random.chance(0.05) ? '' : randomKey(random),
    ...(random.chance(0.5) ? { reverse: random.chance(0.8) } : {}),
    limit: random.pick([0, 1, 1, 1, 2, 3, 10, 1_000]),
  }
}

/** What every engine must do, through the write buffer that tasks see it through. */
export function stateContract(make: () => Engine): void {
  const { REVLOG_STATE_STEPS = '10000' } = process.env
  const steps = Number(REVLOG_STATE_STEPS)
  for (const seed of [1, 2, 3, 4]) {
    it(`agrees with a sorted array over ${steps} random operations, seed ${seed}`, async () => {
      const random = createRandom(seed)
      const engine = make()
      let backend = engine.backend()
      let buffers = open(backend)
      const committed: Model[] = STORES.map(() => new Map())
      let seen: Model[] = STORES.map(() => new Map())
      let commits = 0
      const giveUp = (): void => {
        seen = committed.map((model) => new Map(model))
      }
      const commit = (): void => {
        const writes = buffers.map((rows) => ({ store: rows.store, writes: rows.writes() }))
        for (const { writes: rows } of writes) {
          assert.deepEqual(
            rows.map((row) => row.key),
            [...new Set(rows.map((row) => row.key))].sort(),
          )
        }
        backend.commit(writes, METADATA(++commits))
        for (const rows of buffers) rows.clear()
        seen.forEach((model, i) => {
          committed[i] = new Map(model)
        })
      }
      for (let step = 0; step < steps; step++) {
        const at = random.integer(STORES.length)
        const rows = buffers[at]!
        const model = seen[at]!
        const told = `step ${step}`
        const action = random.integer(10_000)
        if (action < 3_500) {
          const key = randomKey(random)
          const value = randomValue(random)
          rows.put(key, value)
          model.set(key, value)
        } else if (action < 5_000) {
          const key =
            model.size > 0 && random.chance(0.7) ? random.pick([...model.keys()]) : randomKey(random)
          rows.delete(key)
          model.delete(key)
        } else if (action < 7_000) {
          const key =
            model.size > 0 && random.chance(0.7) ? random.pick([...model.keys()]) : randomKey(random)
          assert.deepEqual(rows.get(key), model.get(key), told)
        } else if (action < 9_500) {
          const scan = randomScan(random)
          assert.deepEqual(rows.scan(scan), scanModel(model, scan), `${told} ${JSON.stringify(scan)}`)
          assert.deepEqual(backend.rows(STORES[at]!).scan(scan), scanModel(committed[at]!, scan), told)
        } else if (action < 9_600) {
          const { from, to, reverse } = randomScan(random)
          const stretch = { from, to, reverse: reverse ?? false }
          assert.deepEqual([...rows.rows(stretch)], scanModel(model, { ...stretch, limit: Infinity }), told)
        } else if (action < 9_800) {
          commit()
        } else if (action < 9_860) {
          buffers = open(backend) // a crash: what was not committed is gone
          giveUp()
        } else if (action < 9_994) {
          backend = await engine.reopen()
          buffers = open(backend)
          giveUp()
          assert.deepEqual(backend.metadata(), commits === 0 ? undefined : METADATA(commits), told)
        } else {
          backend.wipe()
          buffers = open(backend)
          for (const model of committed) model.clear()
          giveUp()
          assert.equal(backend.metadata(), undefined)
          for (const store of STORES) assert.deepEqual(backend.rows(store).scan({ limit: 10 }), [])
          commit()
        }
      }
      STORES.forEach((store, i) => {
        assert.deepEqual(backend.rows(store).scan({ limit: 1e6 }), scanModel(committed[i]!, { limit: 1e6 }))
      })
    })
  }

  const put = (backend: StateBackend, ...rows: readonly (readonly [BinaryKey, Buffer | undefined])[]) =>
    backend.commit([{ store: 'a', writes: rows.map(([key, value]) => ({ key, value })) }], METADATA(1))

  it('shows a commit to the reads that follow it at once', () => {
    const backend = make().backend()
    const rows = backend.rows('a')
    assert.equal(rows.get('k'), undefined)
    for (let n = 0; n < 100; n++) {
      put(backend, ['k', Buffer.from(`${n}`)])
      assert.equal(String(rows.get('k')), `${n}`)
      assert.deepEqual(rows.scan({ limit: 2 }), [{ key: 'k', value: Buffer.from(`${n}`) }])
    }
  })

  it('gives values that later reads and commits do not change', () => {
    const backend = make().backend()
    put(backend, ['a', Buffer.from('one')], ['b', Buffer.from('two')])
    const rows = backend.rows('a')
    const got = rows.get('a')
    const [first] = rows.scan({ limit: 1 })
    rows.get('b')
    rows.scan({ limit: 10 })
    put(backend, ['a', Buffer.from('ONE')], ['b', undefined])
    rows.get('a')
    assert.equal(String(got), 'one')
    assert.equal(String(first!.value), 'one')
  })

  it('lets rows be written while the result of a scan is walked', () => {
    const backend = make().backend()
    const rows = createWriteBuffer('a', backend.rows('a'))
    put(backend, ...Array.from({ length: 1_000 }, (_, i) => [`k${1_000 + i}`, Buffer.from('v')] as const))
    let walked = 0
    for (const { key } of rows.rows()) {
      rows.delete(key)
      walked++
    }
    assert.equal(walked, 1_000)
    assert.deepEqual([...rows.rows()], [])
    backend.commit([{ store: 'a', writes: rows.writes() }], METADATA(2))
    assert.deepEqual(backend.rows('a').scan({ limit: 1 }), [])
  })

  it('keeps values of 20 MB', () => {
    const backend = make().backend()
    const large = Buffer.alloc(20 << 20, 'large')
    put(backend, ['k', large], ['l', Buffer.from('small')])
    assert.ok(backend.rows('a').get('k')?.equals(large))
    const [row, next] = backend.rows('a').scan({ limit: 2 })
    assert.ok(row!.value.equals(large))
    assert.equal(String(next!.value), 'small')
    assert.equal(String(backend.rows('a').get('l')), 'small')
  })

  it('keeps the metadata of the last commit that had some', async () => {
    const engine = make()
    const backend = engine.backend()
    assert.equal(backend.metadata(), undefined)
    put(backend, ['a', Buffer.from('1')])
    backend.commit([], undefined)
    assert.deepEqual((await engine.reopen()).metadata(), METADATA(1))
  })

  it('wipes stores that nobody opened again', async () => {
    const engine = make()
    put(engine.backend(), ['a', Buffer.from('1')])
    const backend = await engine.reopen()
    backend.wipe()
    assert.equal(backend.rows('a').get('a'), undefined)
  })
}

const open = (backend: StateBackend): WriteBuffer[] =>
  STORES.map((store) => createWriteBuffer(store, backend.rows(store)))
