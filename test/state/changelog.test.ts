import assert from 'node:assert/strict'
import { type BinaryKey, keyOfBytes } from '../../lib/core/binary-key.js'
import { RevlogError } from '../../lib/core/errors.js'
import {
  assignStoreIds,
  type ChangelogRecord,
  createChangelogReader,
  encodeCommit,
  encodeIdentity,
  isMarker,
} from '../../lib/state/changelog.js'
import type { StateBackend, StoreWrites } from '../../lib/state/port.js'
import { restore } from '../../lib/state/restore.js'
import { createWriteBuffer } from '../../lib/state/write-buffer.js'
import { dump, onEachEngine } from './engines.js'
import { createRandom, type Random } from './random.js'

const write = (
  store: string,
  ...rows: readonly (readonly [BinaryKey, string | undefined])[]
): StoreWrites => ({
  store,
  writes: rows.map(([key, value]) => ({ key, value: value === undefined ? undefined : Buffer.from(value) })),
})
const metadata = (n: number): Buffer => Buffer.from(`metadata ${n}`)

/** What compaction of the first `through` records leaves: the last record of each key, tombstones too or not. */
function compact(
  log: readonly ChangelogRecord[],
  through: number,
  keepTombstones: boolean,
): readonly ChangelogRecord[] {
  const last = new Map(log.slice(0, through).map(({ key }, i) => [keyOfBytes(key), i]))
  const head = log.slice(0, through).filter(({ key }, i) => last.get(keyOfBytes(key)) === i)
  return [...head.filter(({ value }) => keepTombstones || value !== undefined), ...log.slice(through)]
}

function* inBatches(log: readonly ChangelogRecord[], size: number) {
  for (let at = 0; at < log.length; at += size) yield log.slice(at, at + size)
}

describe('the changelog', () => {
  it('gives ids by store name, keeps them, and never gives one twice', () => {
    const first = assignStoreIds(new Map(), ['totals', 'moods'])
    assert.deepEqual(
      [...first],
      [
        ['moods', 1],
        ['totals', 2],
      ],
    )
    const second = assignStoreIds(first, ['visits', 'totals'])
    assert.deepEqual(Object.fromEntries(second), { moods: 1, totals: 2, visits: 3 })
  })

  it('has the layout that is drawn above its code', () => {
    const ids = new Map([
      ['a', 1],
      ['b', 300],
    ])
    const records = [
      encodeIdentity(ids),
      ...encodeCommit(ids, [write('a', ['k\xff', 'v']), write('b', ['x', undefined])], metadata(1)),
    ]
    assert.deepEqual(
      records.map(({ key, value }) => [key.toString('hex'), value?.toString()]),
      [
        ['0000', '{"stores":{"a":1,"b":300}}'],
        ['016bff', 'v'],
        ['ac0278', undefined],
        ['0001', 'metadata 1'],
      ],
    )
  })

  it('reads back what was committed, and nothing of a commit without its marker', () => {
    const ids = assignStoreIds(new Map(), ['a', 'b'])
    const reader = createChangelogReader()
    const add = (records: readonly ChangelogRecord[]) => records.forEach(reader.add)
    add([encodeIdentity(ids), ...encodeCommit(ids, [write('a', ['k', '1'], ['l', '1'])], metadata(1))])
    add(encodeCommit(ids, [write('a', ['k', undefined]), write('b', ['m', '2'])], metadata(2)))
    add(encodeCommit(ids, [write('a', ['l', 'orphan'])], metadata(3)).slice(0, -1))
    assert.deepEqual(reader.take(), {
      writes: [write('a', ['k', undefined], ['l', '1']), write('b', ['m', '2'])],
      metadata: metadata(2),
    })
    assert.equal(reader.take(), undefined)
    add([{ key: Buffer.of(0, 1), value: metadata(3) }])
    assert.deepEqual(reader.take(), { writes: [write('a', ['l', 'orphan'])], metadata: metadata(3) })
  })

  it('holds one row for a key that was written 100,000 times', () => {
    const ids = assignStoreIds(new Map(), ['a'])
    const reader = createChangelogReader()
    for (const record of [encodeIdentity(ids)]) reader.add(record)
    for (let n = 0; n < 100_000; n++) {
      const records = encodeCommit(ids, [write('a', ['k', `${n}`])], metadata(n))
      for (const record of n % 2 === 0 ? records : records.slice(0, -1)) reader.add(record)
    }
    assert.ok(reader.held() <= 4)
  })

  const broken: readonly (readonly [string, readonly ChangelogRecord[]])[] = [
    ['is empty', []],
    ['has no commit', [encodeIdentity(new Map([['a', 1]]))]],
    ['does not name its stores', encodeCommit(new Map([['a', 1]]), [write('a', ['k', 'v'])], metadata(1))],
    ['has another identity', [{ key: Buffer.of(0, 0), value: Buffer.from('not json') }]],
  ]
  onEachEngine((make) => {
    for (const [what, log] of broken) {
      it(`is refused when it ${what}`, async () => {
        await assert.rejects(
          restore(make().backend(), () => [log]),
          (error) => error instanceof RevlogError && error.code === 'E_CHANGELOG_CORRUPT',
        )
      })
    }

    for (const seed of [1, 2, 3, 4, 5, 6]) {
      it(`restores byte for byte what wrote it, whole and compacted anywhere, seed ${seed}`, async () => {
        const random = createRandom(seed)
        const origin = make().backend()
        const { log, stores } = runRandomTask(random, origin)
        const expected = dump(origin, stores)
        for (let attempt = 0; attempt < 8; attempt++) {
          const restored = make().backend()
          restored.commit([write('a', ['of another time', 'x'])], metadata(0))
          const left =
            attempt === 0
              ? log
              : compact(log, attempt === 1 ? log.length : random.integer(log.length), random.chance(0.5))
          // Whoever reads a log may find the beginning of a commit that did not happen at its end.
          const orphans = random.chance(0.5)
            ? [{ key: Buffer.from('\x01orphan'), value: Buffer.from('x') }]
            : []
          const torn = [...left, ...orphans]
          const progress: number[] = []
          const batch = 1 + random.integer(200)
          const result = await restore(
            restored,
            () => inBatches(torn, batch),
            (n) => progress.push(n),
          )
          assert.deepEqual(dump(restored, stores), expected, `attempt ${attempt}`)
          assert.deepEqual(restored.metadata(), origin.metadata())
          assert.equal(result.records, torn.length)
          assert.equal(progress.at(-1), torn.length)
          assert.deepEqual([...result.ids.keys()].sort(), stores)
        }
      })
    }

    it('is written in bulk while it is read, and a torn one is read again up to its last commit', async () => {
      const ids = assignStoreIds(new Map(), ['a'])
      const rows = Array.from({ length: 120_000 }, (_, i) => [`k${i}`, `${i}`] as const)
      const whole = [encodeIdentity(ids), ...encodeCommit(ids, [write('a', ...rows)], metadata(1))]
      const orphans = rows.map(([key]) => ({
        key: Buffer.from(`\x01${key}`, 'latin1'),
        value: Buffer.from('orphan'),
      }))
      const engine = make()
      const backend = engine.backend()
      const sizes: number[] = []
      const counted = {
        ...backend,
        commit(writes: readonly StoreWrites[], next: Buffer | undefined) {
          sizes.push(writes.reduce((sum, w) => sum + w.writes.length, 0))
          assert.equal(backend.metadata(), undefined, 'the state counts as missing until it is whole')
          backend.commit(writes, next)
        },
      }
      let reads = 0
      await restore(counted, () => {
        reads++
        return inBatches([...whole, ...orphans], 10_000)
      })
      assert.equal(reads, 2)
      assert.ok(Math.max(...sizes) <= 50_000, `rows in each commit: ${sizes.join(' ')}`)
      assert.equal(backend.rows('a').scan({ limit: 1e6 }).length, rows.length)
      assert.equal(String(backend.rows('a').get('k77')), '77')
      assert.deepEqual(backend.metadata(), metadata(1))
    })
  })
})

/** A task that writes two stores and then a third, and its changelog. */
function runRandomTask(random: Random, backend: StateBackend) {
  let ids = assignStoreIds(new Map(), ['a', 'b'])
  const log: ChangelogRecord[] = [encodeIdentity(ids)]
  let stores = ['a', 'b']
  const commits = 20 + random.integer(20)
  for (let n = 1; n <= commits; n++) {
    if (n === 10) {
      stores = ['a', 'added', 'b']
      ids = assignStoreIds(ids, stores)
      log.push(encodeIdentity(ids))
    }
    const writes = stores.map((store) => {
      const rows = createWriteBuffer(store, backend.rows(store))
      for (let i = random.integer(40); i > 0; i--) {
        const key = String.fromCharCode(
          ...Array.from({ length: 1 + random.integer(2) }, () => random.integer(256)),
        )
        if (random.chance(0.3)) rows.delete(key)
        else rows.put(key, Buffer.alloc(random.integer(10), n))
      }
      return { store, writes: rows.writes() }
    })
    log.push(...encodeCommit(ids, writes, metadata(n)))
    backend.commit(writes, metadata(n))
  }
  assert.ok(isMarker(log.at(-1)!))
  return { log, stores }
}
