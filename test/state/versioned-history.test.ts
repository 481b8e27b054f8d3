import assert from 'node:assert/strict'
import { milliseconds } from '../../lib/core/duration.js'
import { string } from '../../lib/serdes/primitives.js'
import { type VersionedRecord, versionedStore } from '../../lib/state/stores/versioned-store.js'
import { conforms } from '../conformance.js'
import { onEachEngine, openStore } from './engines.js'
import { createRandom } from './random.js'

interface Case {
  readonly name: string
  readonly options: { readonly historyRetention: number }
  readonly right: readonly { readonly t: number; readonly k: string; readonly v: string | null }[]
  readonly expected: readonly {
    readonly asOf: number
    readonly k: string
    readonly v: string | null
    readonly versionT: number | null
    readonly validTo: number | null
  }[]
}

const specOf = (retention: number) =>
  versionedStore('v', { key: string(), value: string(), historyRetention: milliseconds(retention) })

/** Versions of one key in a list, with the rules of KIP-889 written out. */
function createModel(retention: number) {
  const versions = new Map<string, Map<number, string | undefined>>()
  let greatest = -1
  return {
    put(key: string, value: string | undefined, time: number) {
      if (time < greatest - retention) return 'expired'
      greatest = Math.max(greatest, time)
      const own = versions.get(key) ?? new Map<number, string | undefined>()
      versions.set(key, own.set(time, value))
      const later = [...own.keys()].filter((t) => t > time)
      return later.length === 0 ? 'latest' : Math.min(...later)
    },
    get(key: string, asOf: number): VersionedRecord<string> | undefined {
      const own = versions.get(key) ?? new Map<number, string | undefined>()
      const times = [...own.keys()].sort((a, b) => a - b)
      const at = times.findLastIndex((t) => t <= asOf)
      if (at < 0) return undefined
      const validTo = times[at + 1]
      const value = own.get(times[at]!)
      if (value === undefined || (validTo !== undefined && asOf < greatest - retention)) return undefined
      return { value, validFrom: times[at]!, validTo }
    },
  }
}

describe('a versioned store', () =>
  onEachEngine((make) => {
    conforms<readonly Case[]>('asof', 'store-kafka-versioned', (cases) => {
      for (const { name, options, right, expected } of cases) {
        const { store, commit } = openStore(specOf(options.historyRetention), make().backend())
        for (const { t, k, v } of right) {
          store.put(k, v ?? undefined, t)
          commit()
        }
        for (const { asOf, k, v, versionT, validTo } of expected) {
          const found = store.get(k, asOf)
          const told = `${name}: ${k} as of ${asOf}`
          if (v === null) assert.equal(found, undefined, told)
          else {
            assert.deepEqual(found, { value: v, validFrom: versionT, validTo: validTo ?? undefined }, told)
          }
        }
      }
    })

    it('remembers the greatest time over a restart', async () => {
      const engine = make()
      const { store, commit } = openStore(specOf(10), engine.backend())
      store.put('', 'empty key', 100)
      commit()
      const again = openStore(specOf(10), await engine.reopen()).store
      assert.deepEqual(again.get(''), { value: 'empty key', validFrom: 100, validTo: undefined })
      assert.equal(again.put('other', 'late', 89), 'expired')
      assert.equal(again.put('other', 'in time', 90), 'latest')
    })

    it('removes versions that have ended long ago, and no others', () => {
      const { store, rows, commit } = openStore(specOf(100), make().backend())
      store.put('never changed', 'v', 0)
      for (let time = 1; time < 10_000; time++) store.put(`key ${time % 5}`, `${time}`, time)
      commit()
      assert.ok(rows.scan({ limit: 1e6 }).length <= 2 * 100 + 128 + 6)
      assert.equal(store.get('never changed')?.value, 'v')
    })

    for (const seed of [1, 2, 3, 4]) {
      it(`agrees with a list of versions while rows are swept and time leaps, seed ${seed}`, async () => {
        const random = createRandom(seed)
        const engine = make()
        const retention = 20 + random.integer(100)
        let { store, commit } = openStore(specOf(retention), engine.backend())
        const model = createModel(retention)
        const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`)
        let now = 0
        for (let step = 0; step < 4_000; step++) {
          now += random.chance(0.01) ? random.integer(3 * retention) : random.integer(3)
          const key = random.pick(keys)
          const time = Math.max(0, now - random.integer(random.chance(0.1) ? 2 * retention : retention))
          const value = random.chance(0.3) ? undefined : `${step}`
          assert.equal(store.put(key, value, time), model.put(key, value, time), `step ${step}`)
          if (random.chance(0.01)) commit()
          if (random.chance(0.003)) {
            commit()
            ;({ store, commit } = openStore(specOf(retention), await engine.reopen()))
          }
          const asked = random.pick(keys)
          const asOf = now - random.integer(2 * retention)
          assert.deepEqual(
            store.get(asked, asOf),
            model.get(asked, asOf),
            `step ${step}: ${asked} as of ${asOf}`,
          )
          assert.deepEqual(store.get(asked), model.get(asked, Infinity), `step ${step}: ${asked}`)
        }
      })
    }
  }))
