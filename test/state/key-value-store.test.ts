import assert from 'node:assert/strict'
import { json } from '../../lib/serdes/json.js'
import { bytes, int64, string } from '../../lib/serdes/primitives.js'
import { keyValueStore } from '../../lib/state/stores/key-value-store.js'
import { timestampedKeyValueStore } from '../../lib/state/stores/timestamped-key-value-store.js'
import { onEachEngine, openStore } from './engines.js'

const KEYS = ['', '\0', '\0\0', '\0a', 'a', 'aa', 'ab', 'b', 'ä', '\u{10ffff}']

describe('a key-value store', () =>
  onEachEngine((make) => {
    const spec = keyValueStore('numbers', { key: string(), value: int64() })
    const filled = () => {
      const engine = make()
      const opened = openStore(spec, engine.backend())
      for (const [i, key] of KEYS.entries()) opened.store.put(key, i)
      return { engine, ...opened }
    }
    const entries = KEYS.map((key, value) => ({ key, value }))

    it('keeps every key, the empty one too, in the order of its bytes', async () => {
      const { engine, store, commit } = filled()
      assert.deepEqual([...store.all()], entries)
      commit()
      assert.deepEqual([...store.all()], entries)
      assert.deepEqual([...store.reverseAll()], entries.toReversed())
      const again = openStore(spec, await engine.reopen()).store
      for (const { key, value } of entries) assert.equal(again.get(key), value)
      assert.equal(again.get('c'), undefined)
    })

    it('gives ranges with both ends, forward and back', () => {
      const { store } = filled()
      for (let from = 0; from < KEYS.length; from++) {
        for (let to = 0; to < KEYS.length; to++) {
          const inside = entries.slice(from, to + 1)
          assert.deepEqual([...store.range(KEYS[from], KEYS[to])], inside)
          assert.deepEqual([...store.reverseRange(KEYS[from], KEYS[to])], inside.toReversed())
        }
        assert.deepEqual([...store.range(KEYS[from], undefined)], entries.slice(from))
        assert.deepEqual([...store.range(undefined, KEYS[from])], entries.slice(0, from + 1))
      }
    })

    it('finds the keys that begin with a prefix', () => {
      const { store } = filled()
      for (const prefix of [...KEYS, 'aaa']) {
        assert.deepEqual(
          [...store.prefixScan(prefix, string())],
          entries.filter(({ key }) => key.startsWith(prefix)),
          JSON.stringify(prefix),
        )
      }
    })

    it('puts only what is absent when it is asked to, and returns what it deletes', () => {
      const { store } = filled()
      assert.equal(store.putIfAbsent('a', 100), 4)
      assert.equal(store.get('a'), 4)
      assert.equal(store.delete('a'), 4)
      assert.equal(store.delete('a'), undefined)
      assert.equal(store.putIfAbsent('a', 100), undefined)
      assert.equal(store.get('a'), 100)
    })

    it('may be written while a range is walked', () => {
      const { store } = filled()
      for (const { key } of store.all()) store.delete(key)
      assert.deepEqual([...store.all()], [])
    })

    it('shares no object and no buffer with its callers', () => {
      const backend = make().backend()
      const objects = openStore(keyValueStore('objects', { key: string(), value: json<number[]>() }), backend)
      const buffers = openStore(keyValueStore('buffers', { key: bytes(), value: bytes() }), backend)
      const list = [1]
      objects.store.put('k', list)
      list.push(2)
      objects.store.get('k')!.push(3)
      assert.deepEqual(objects.store.get('k'), [1])
      const key = Buffer.from('k')
      const value = Buffer.from('v')
      buffers.store.put(key, value)
      value[0] = 0
      buffers.store.get(key)![0] = 0
      buffers.commit()
      buffers.store.get(key)![0] = 0
      for (const entry of buffers.store.all()) entry.value[0] = 0
      key[0] = 0
      assert.deepEqual([...buffers.store.all()], [{ key: Buffer.from('k'), value: Buffer.from('v') }])
    })
  }))

describe('a timestamped key-value store', () =>
  onEachEngine((make) => {
    const spec = timestampedKeyValueStore<string, string | undefined>('table', {
      key: string(),
      value: string(),
    })
    const revision = Buffer.alloc(16, 7)
    const values = [
      { value: 'calm', timestamp: 1 },
      { value: '', timestamp: -5 },
      { value: 'tense', timestamp: 2 ** 45, revision },
      { value: undefined, timestamp: 3, revision }, // deleted: its revision is still to be compared with
      { value: undefined, timestamp: 3 },
    ]

    it('keeps value, event time and revision', async () => {
      const engine = make()
      const { store, commit } = openStore(spec, engine.backend())
      for (const [i, value] of values.entries()) store.put(`${i}`, value)
      commit()
      const again = openStore(spec, await engine.reopen()).store
      for (const [i, value] of values.entries()) {
        assert.deepEqual({ revision: undefined, ...again.get(`${i}`) }, { revision: undefined, ...value })
      }
    })

    it('shares no buffer with its callers', () => {
      const { store } = openStore(
        timestampedKeyValueStore('t', { key: string(), value: bytes() }),
        make().backend(),
      )
      const value = Buffer.from('v')
      store.put('k', { value, timestamp: 1, revision })
      value[0] = 0
      const got = store.get('k')!
      got.value[0] = 0
      got.revision![0] = 0
      assert.deepEqual(store.get('k'), { value: Buffer.from('v'), timestamp: 1, revision })
    })
  }))
