import assert from 'node:assert/strict'
import { milliseconds } from '../../lib/core/duration.js'
import { int64, string } from '../../lib/serdes/primitives.js'
import { type WindowEntry, type WindowStore, windowStore } from '../../lib/state/stores/window-store.js'
import { onEachEngine, openStore } from './engines.js'
import { createRandom } from './random.js'

const RETENTION = 100
const spec = windowStore('clicks', { key: string(), value: int64(), retention: milliseconds(RETENTION) })
const entry = (key: string, windowStart: number, value: number) => ({ key, windowStart, value })

describe('a window store', () =>
  onEachEngine((make) => {
    const opened = () => openStore(spec, make().backend())

    it('keeps values by key and window, the empty key and the one with zeros too', () => {
      const { store } = opened()
      const keys = ['', '\0', '\0\x01', 'a', 'a\0', 'b']
      for (const key of keys) for (const start of [20, 10, 30]) assert.ok(store.put(key, start, start))
      for (const key of keys) {
        assert.equal(store.fetch(key, 20), 20)
        assert.equal(store.fetch(key, 21), undefined)
        const windows = [10, 20, 30].map((start) => entry(key, start, start))
        assert.deepEqual([...store.fetchRange(key, 10, 30)], windows)
        assert.deepEqual([...store.fetchRange(key, 11, 29)], windows.slice(1, 2))
        assert.deepEqual([...store.backwardFetch(key, -Infinity, Infinity)], windows.toReversed())
      }
      assert.deepEqual(
        [...store.fetchAll(20, 30)],
        keys.flatMap((key) => [20, 30].map((start) => entry(key, start, start))),
      )
      assert.equal([...store.all()].length, 18)
    })

    it('deletes a window that is put without value', () => {
      const { store } = opened()
      store.put('k', 1, 10)
      store.put('k', undefined, 10)
      assert.equal(store.fetch('k', 10), undefined)
    })

    it('hides a window once the greatest start is a retention after it, and takes it no more', () => {
      const { store } = opened()
      store.put('old', 1, 10)
      store.put('new', 2, 10 + RETENTION - 1)
      assert.equal(store.fetch('old', 10), 1)
      store.put('new', 3, 10 + RETENTION)
      assert.equal(store.fetch('old', 10), undefined)
      assert.deepEqual([...store.fetchRange('old', 0, 100)], [])
      assert.deepEqual([...store.fetchAll(0, 10)], [])
      assert.equal(store.put('old', 4, 10), false)
      assert.equal([...store.all()].length, 2)
    })

    it('remembers the greatest start over a restart', async () => {
      const engine = make()
      const { store, commit } = openStore(spec, engine.backend())
      store.put('old', 1, 10)
      store.put('new', 2, 200)
      store.put('new', undefined, 200)
      commit()
      const again = openStore(spec, await engine.reopen()).store
      assert.equal(again.fetch('old', 10), undefined)
      assert.equal(again.put('old', 1, 100), false)
      assert.equal(again.put('old', 1, 101), true)
    })

    it('removes what has expired a few rows at a time, and keeps at most as many as are there', () => {
      const { store, rows, commit } = opened()
      let most = 0
      for (let time = 0; time < 20_000; time++) {
        store.put(`key ${time % 37}`, time, time)
        const before = rows.counters.deletes
        store.put(`key ${time % 41}`, time, time)
        assert.ok(rows.counters.deletes - before <= 64)
        if (time % 1_000 === 999) {
          commit()
          most = Math.max(most, rows.scan({ limit: 1e6 }).length)
        }
      }
      assert.ok([...store.all()].length <= 2 * RETENTION)
      assert.ok(most <= 2 * 2 * RETENTION + 128, `${most} rows`)
    })

    for (const seed of [1, 2, 3]) {
      it(`agrees with a list that forgets nothing but what has expired, seed ${seed}`, async () => {
        const random = createRandom(seed)
        const engine = make()
        let { store, commit } = openStore(spec, engine.backend())
        const kept = new Map<string, WindowEntry<string, number>>()
        let greatest = -1
        for (let step = 0; step < 3_000; step++) {
          const key = random.pick(['', '\0', 'a', 'b', 'c'])
          const start = Math.max(0, Math.floor(step / 5) - random.integer(150))
          greatest = Math.max(greatest, start)
          const live = start > greatest - RETENTION
          const value = random.chance(0.2) ? undefined : step
          assert.equal(store.put(key, value, start), live)
          if (live && value === undefined) kept.delete(`${key} ${start}`)
          else if (live && value !== undefined) kept.set(`${key} ${start}`, entry(key, start, value))
          if (random.chance(0.02)) commit()
          if (random.chance(0.005)) {
            commit()
            ;({ store, commit } = openStore(spec, await engine.reopen()))
          }
          if (step % 50 === 0) check(store, kept, greatest)
        }
      })
    }
  }))

function check(
  store: WindowStore<string, number>,
  kept: ReadonlyMap<string, WindowEntry<string, number>>,
  greatest: number,
): void {
  const expected = [...kept.values()]
    .filter(({ windowStart }) => windowStart > greatest - RETENTION)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.windowStart - b.windowStart))
  assert.deepEqual([...store.all()], expected)
  assert.deepEqual(
    [...store.backwardFetch('a', -Infinity, Infinity)],
    expected.filter(({ key }) => key === 'a').toReversed(),
  )
}
