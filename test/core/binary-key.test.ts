import assert from 'node:assert/strict'
import {
  afterPrefix,
  escapeKey,
  MAX_TIME,
  timeKey,
  timeOfKey,
  unescapeKey,
} from '../../lib/core/binary-key.js'

describe('keys as bytes', () => {
  it('times come back, and sort as their keys do', () => {
    const times = [
      -MAX_TIME,
      -(2 ** 40),
      -1,
      0,
      1,
      2,
      99_995,
      99_996,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      1_700_000_000_001,
      MAX_TIME,
    ]
    assert.deepEqual(
      times.map((time) => timeOfKey(`x${timeKey(time)}`, 1)),
      times,
    )
    const keys = times.map(timeKey)
    assert.deepEqual([...keys].sort(), keys)
  })

  it('escaped keys come back, sort as the keys do, and none begins another', () => {
    const keys = ['', '\0', '\0\0', '\0\x01', '\0\xff', 'a', 'a\0', 'a\0\x01b', 'ab', 'b', '\xff']
    assert.deepEqual(
      keys.map((key) => unescapeKey(`${escapeKey(key)}rest`)),
      keys.map((key) => ({ key, end: escapeKey(key).length })),
    )
    const sorted = [...keys].sort()
    assert.deepEqual(
      [...keys].sort((a, b) => (escapeKey(a) < escapeKey(b) ? -1 : 1)),
      sorted,
    )
    for (const a of keys) for (const b of keys) if (a !== b) assert.ok(!escapeKey(a).startsWith(escapeKey(b)))
  })

  it('the end of a prefix', () => {
    assert.equal(afterPrefix('ab'), 'ac')
    assert.equal(afterPrefix('a\xff'), 'b')
    assert.equal(afterPrefix('\xff\xff'), undefined)
  })
})
