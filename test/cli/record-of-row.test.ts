import assert from 'node:assert/strict'
import { type RowRules, type RowTopic, recordReader } from '../../lib/cli/rows/record-of-row.js'
import type { GoodRow } from '../../lib/cli/rows/row.js'
import { RevlogError } from '../../lib/core/errors.js'
import { int32, string } from '../../lib/serdes/primitives.js'
import type { Serde } from '../../lib/serdes/serde.js'
import { topic } from '../../lib/topology/topic.js'

interface Mood {
  readonly consultant: string
  readonly time: number
}
const json: Serde<any> = {
  name: 'json',
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => {
    const value = JSON.parse(bytes.toString())
    if (value?.bad === true) throw new RevlogError('E_SCHEMA', 'bad must not be true')
    return value
  },
}
const plain = topic('plain', { key: string(), value: json })
const moods = topic('moods', {
  key: string(),
  value: json as Serde<Mood>,
  timestamp: (m) => m.time,
  keyOf: (m) => m.consultant,
})

describe('a row becomes a record', () => {
  const rules: RowRules = { file: 'rows.csv', now: () => 1000 }
  const row = (value: unknown, cells?: { readonly [column: string]: string }): GoodRow => ({
    line: 7,
    value,
    ...(cells === undefined ? {} : { cell: (column) => cells[column] }),
  })
  const read = (to: RowTopic, from: GoodRow, more: Partial<RowRules> = {}) => {
    const record = recordReader(to, { ...rules, ...more })(from)
    return {
      topic: record.topic,
      key: record.key?.toString(),
      value: record.value?.toString(),
      timestamp: record.timestamp,
      headers: record.headers.map((h) => [h.key, h.value?.toString('latin1')]),
    }
  }
  const fails = (code: string, act: () => unknown): void =>
    assert.throws(act, (error: RevlogError) => {
      assert.equal(error.code, code)
      assert.deepEqual([error.at.file, error.at.line], ['rows.csv', 7])
      return true
    })

  it('takes the line that consume prints', () => {
    const line = {
      key: 'a',
      value: { x: 1 },
      timestamp: 5,
      headers: { h: 'v', n: null, twice: ['1', { base64: '/w==' }] },
      offset: 12,
      revision: '1.2',
    }
    assert.deepEqual(read(plain, row(line)), {
      topic: 'plain',
      key: 'a',
      value: '{"x":1}',
      timestamp: 5,
      headers: [
        ['h', 'v'],
        ['n', undefined],
        ['twice', '1'],
        ['twice', '\xff'],
      ],
    })
  })

  it('an object with any other member is a value, even when it has key and value', () => {
    const { key, value } = read(plain, row({ key: 'a', value: 1, colour: 'red' }))
    assert.deepEqual([key, value], ['a', '{"key":"a","value":1,"colour":"red"}'])
  })

  it('the key is the field named, else what the topic says, else the field "key"', () => {
    const both = { consultant: 'ada', other: 'bob', key: 'eve', time: 3 }
    assert.equal(read(moods, row(both), { keyField: 'other' }).key, 'bob')
    assert.equal(read(moods, row(both)).key, 'ada')
    assert.equal(read(plain, row(both)).key, 'eve')
    fails('E_ROW_KEY', () => read(plain, row({ a: 1 })))
    fails('E_ROW_KEY', () => read(plain, row({ a: 1 }), { keyField: 'b' }))
    fails('E_ROW_KEY', () => read(plain, row(5)))
    fails('E_ROW_KEY', () => read(plain, row({ key: null, value: 1 })))
  })

  it('a number is a text key as it was written', () => {
    assert.equal(read(plain, row({ id: 1.5 }, { id: '1.50' }), { keyField: 'id' }).key, '1.50')
    assert.equal(read(plain, row({ key: 42 })).key, '42')
    const numbered = topic('numbered', { key: int32(), value: json })
    assert.deepEqual(recordReader(numbered, rules)(row({ key: 42 })).key, int32().encode(42))
    fails('E_ROW_KEY', () => read(numbered, row({ key: 'x' })))
    fails('E_ROW_KEY', () => read(plain, row({ key: { a: 1 } })))
  })

  it('a topic that nobody has described takes records without a key', () => {
    const raw = { name: 'raw', key: string(), value: json, keyless: true }
    assert.equal(read(raw, row({ a: 1 })).key, undefined)
    assert.equal(read(raw, row({ key: null, value: 1 })).key, undefined)
  })

  it('event time comes from the topic, else from the line, else from the field named, else it is now', () => {
    assert.equal(read(moods, row({ consultant: 'ada', time: 3 })).timestamp, 3)
    assert.equal(read(moods, row({ key: 'ada', value: { time: 3 }, timestamp: 9 })).timestamp, 3)
    const dated = row({ key: 'a', value: 1, timestamp: '1970-01-01T01:00:00.5+01:00' })
    assert.equal(read(plain, dated).timestamp, 500)
    assert.equal(read(plain, row({ key: 'a', at: 77 }), { timeField: 'at' }).timestamp, 77)
    assert.equal(read(plain, row({ key: 'a' })).timestamp, 1000)
    fails('E_ROW_TIME', () => read(moods, row({ consultant: 'ada', time: '3' })))
    fails('E_ROW_TIME', () => read(moods, row({ consultant: 'ada', time: -1 })))
    fails('E_ROW_TIME', () => read(plain, row({ key: 'a', value: 1, timestamp: '2013-06-30' })))
    fails('E_ROW_TIME', () => read(plain, row({ key: 'a' }), { timeField: 'at' }))
  })

  it('a null value is a tombstone, which must say its time where the topic takes it from the value', () => {
    assert.deepEqual(read(moods, row({ key: 'ada', value: null, timestamp: 4 })), {
      topic: 'moods',
      key: 'ada',
      value: undefined,
      timestamp: 4,
      headers: [],
    })
    fails('E_ROW_TIME', () => read(moods, row({ key: 'ada', value: null })))
  })

  it('what the schema refuses is refused with its line', () => {
    fails('E_ROW_VALUE', () => read(plain, row({ key: 'a', bad: true })))
    fails('E_ROW_HEADERS', () => read(plain, row({ key: 'a', value: 1, headers: { h: 5 } })))
    fails('E_ROW_HEADERS', () => read(plain, row({ key: 'a', value: 1, headers: [] })))
  })
})
