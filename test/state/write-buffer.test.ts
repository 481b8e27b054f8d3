import assert from 'node:assert/strict'
import { RevlogError } from '../../lib/core/errors.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import { MAX_KEY_BYTES } from '../../lib/state/port.js'
import { createWriteBuffer } from '../../lib/state/write-buffer.js'

const value = (text: string): Buffer => Buffer.from(text)

describe('the write buffer', () => {
  const opened = () => createWriteBuffer('s', createMemoryBackend().rows('s'))

  it('makes one write of a key that was written a thousand times', () => {
    const rows = opened()
    for (let n = 0; n < 1_000; n++) rows.put('k', value(`${n}`))
    assert.deepEqual(rows.writes(), [{ key: 'k', value: value('999') }])
  })

  it('keeps a delete as a write, for the row may be in the changelog', () => {
    const rows = opened()
    rows.put('k', value('v'))
    rows.delete('k')
    assert.equal(rows.get('k'), undefined)
    assert.deepEqual(rows.writes(), [{ key: 'k', value: undefined }])
  })

  it('writes in the order of key bytes, whatever the order of arrival', () => {
    const rows = opened()
    for (const key of ['b', '\xff', '\0', 'a', '\x80']) rows.put(key, value(key))
    assert.deepEqual(
      rows.writes().map(({ key }) => key),
      ['\0', 'a', 'b', '\x80', '\xff'],
    )
  })

  it('counts the bytes that wait', () => {
    const rows = opened()
    rows.put('key', value('12345'))
    assert.equal(rows.bytes, 8)
    rows.put('key', value('1'))
    assert.equal(rows.bytes, 4)
    rows.delete('key')
    assert.equal(rows.bytes, 3)
    rows.clear()
    assert.equal(rows.bytes, 0)
  })

  it('counts what a store did, in rows', () => {
    const rows = opened()
    rows.put('a', value('1'))
    rows.put('b', value('2'))
    rows.delete('c')
    rows.get('a')
    rows.scan({ limit: 10 })
    assert.deepEqual(rows.counters, { gets: 1, puts: 2, deletes: 1, scanned: 2 })
  })

  it('shows its writes until it is told that they are committed', () => {
    const rows = opened()
    rows.put('a', value('1'))
    rows.writes()
    assert.deepEqual(rows.get('a'), value('1'))
    rows.clear()
    assert.equal(rows.get('a'), undefined)
  })

  for (const [what, key] of [
    ['no bytes', ''],
    ['more bytes than an engine stores', 'k'.repeat(MAX_KEY_BYTES + 1)],
  ] as const) {
    it(`refuses a key of ${what}, naming the store`, () => {
      assert.throws(
        () => opened().put(key, value('v')),
        (error) => error instanceof RevlogError && error.code === 'E_KEY_TOO_LONG' && error.at.store === 's',
      )
    })
  }
})
