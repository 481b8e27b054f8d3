import assert from 'node:assert/strict'
import * as v from 'valibot'
import { z } from 'zod'
import {
  json,
  RevlogError,
  type Serde,
  type StandardSchema,
  stream,
  string,
  topic,
  topology,
} from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'

const code = (expected: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RevlogError, String(error))
  assert.equal(error.code, expected)
  assert.match(error.message, words)
  return true
}
const text = (serde: Serde<any, unknown>, value: unknown): string => serde.encode(value).toString()
const read = <R>(serde: Serde<any, R>, value: string): R => serde.decode(Buffer.from(value))

/** One schema in two libraries and by hand: an id, a kind with a default, a tag list. */
const SCHEMAS: {
  readonly [vendor in 'zod' | 'valibot']: StandardSchema<
    any,
    { id: string; kind: string; tags: { name: string }[] }
  >
} = {
  zod: z.object({
    id: z.string(),
    kind: z.enum(['calm', 'tense']).default('calm'),
    tags: z.array(z.object({ name: z.string() })),
  }),
  valibot: v.object({
    id: v.string(),
    kind: v.optional(v.picklist(['calm', 'tense']), 'calm'),
    tags: v.array(v.object({ name: v.string() })),
  }),
}

describe('json()', () => {
  it('writes and reads JSON values, each as it was', () => {
    for (const value of [0, '', false, null, {}, [], { a: [1, 'ü', { b: null }] }, -0.5, '\u2028']) {
      assert.deepEqual(read(json(), text(json(), value)), value)
    }
  })

  it('refuses what JSON has no text for', () => {
    for (const value of [undefined, () => 1, Symbol('x')]) {
      assert.throws(() => text(json(), value), code('E_SERIALIZATION', /json\(\) cannot write/))
    }
    assert.throws(() => text(json(), { n: 1n }), code('E_SERIALIZATION', /BigInt/))
    const circle: { self?: unknown } = {}
    circle.self = circle
    assert.throws(() => text(json(), circle), code('E_SERIALIZATION', /circular/))
  })

  it('shows the beginning of what is not JSON', () => {
    assert.throws(
      () => read(json(), '{"id": '),
      code('E_DESERIALIZATION', /this is not JSON: "\{\\"id\\": "/),
    )
    assert.throws(() => read(json(), ''), code('E_DESERIALIZATION', /not JSON/))
    assert.throws(
      () => read(json(), 'x'.repeat(5_000)),
      (error) => String(error).length < 300,
    )
  })

  it('a key named __proto__ changes no prototype', () => {
    const value = read(json<{ readonly id: number }>(), '{"id": 1, "__proto__": {"polluted": true}}')
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal((value as any).polluted, undefined)
    assert.equal(({} as any).polluted, undefined)
    for (const schema of Object.values(SCHEMAS)) {
      const checked = read(json(schema), '{"id":"1","tags":[],"__proto__":{"polluted":true}}')
      assert.equal((checked as any).polluted, undefined)
    }
  })

  for (const [vendor, schema] of Object.entries(SCHEMAS)) {
    it(`checks what comes in by a ${vendor} schema, and gives what the schema made of it`, () => {
      const serde = json(schema)
      assert.deepEqual(read(serde, '{"id":"1","tags":[]}'), { id: '1', kind: 'calm', tags: [] })
      assert.throws(
        () => read(serde, '{"id":1,"tags":[{"name":2}]}'),
        code('E_DESERIALIZATION', /does not fit its schema: id: .*; tags\.0\.name: /),
      )
      assert.throws(() => read(serde, '7'), code('E_DESERIALIZATION', /schema/))
    })

    it(`does not check again what it checked: trusted reads past a ${vendor} schema`, () => {
      assert.deepEqual(json(schema).trusted!.decode(Buffer.from('{"id":1}')), { id: 1 })
    })
  }

  it('names five issues and counts the others', () => {
    const serde = json(z.array(z.string()))
    assert.throws(() => read(serde, '[1,2,3,4,5,6,7]'), code('E_DESERIALIZATION', /4: .*, and 2 more/))
  })

  it('refuses a schema that answers later', () => {
    const later = z.string().refine(async () => true)
    assert.throws(() => read(json(later), '"x"'), code('E_SCHEMA_ASYNC', /zod schema.*asynchronously/))
    const valibot = v.pipeAsync(
      v.string(),
      v.checkAsync(async () => false),
    )
    assert.throws(() => read(json(valibot), '"x"'), code('E_SCHEMA_ASYNC', /valibot/))
    // biome-ignore lint/suspicious/noThenProperty: a promise of another make
    const thenable = { '~standard': { version: 1, vendor: 'mine', validate: () => ({ then() {} }) } }
    assert.throws(() => read(json(thenable as never), '"x"'), code('E_SCHEMA_ASYNC', /mine/))
  })

  it('does not store what JSON would not give back', () => {
    const dated = json(z.object({ at: z.coerce.date(), more: z.unknown().optional() }))
    const value = read(dated, '{"at":"2026-01-01"}')
    assert.ok(value.at instanceof Date)
    const stored = dated.trusted!
    assert.throws(
      () => stored.encode(value),
      code('E_SERIALIZATION', /at is a Date, which JSON does not give back/),
    )
    for (const [more, words] of [
      [new Map(), /more\.x is a Map/],
      [Number.NaN, /more\.x is NaN/],
      [1n, /more\.x is bigint/],
    ] as const) {
      assert.throws(() => stored.encode({ more: { x: more } } as never), code('E_SERIALIZATION', words))
    }
    assert.throws(() => stored.encode([[new Set()]] as never), code('E_SERIALIZATION', /0\.0 is a Set/))
    const plain = { a: undefined, b: null, c: [0, '', { d: false }] }
    assert.deepEqual(JSON.parse(stored.encode(plain as never).toString()), {
      b: null,
      c: [0, '', { d: false }],
    })
  })

  it('a record that does not fit is a deserialization error with its coordinates, decided by the policy', () => {
    const moods = topic('moods', { key: string(), value: json(SCHEMAS.zod) })
    const ids = topic('ids', { key: string(), value: string() })
    const app = topology('app', [
      stream(moods)
        .mapValues((m) => m.id)
        .to(ids),
    ])
    const bad = { key: Buffer.from('k'), value: Buffer.from('{"id":7,"tags":[]}') }
    {
      using driver = new TopologyTestDriver(app)
      driver.inputTopic(moods).pipeInput('k', { id: '1', kind: 'calm', tags: [] })
      assert.throws(
        () => driver.inputTopic(moods).pipeBytes(bad),
        code('E_DESERIALIZATION', /id: .*task 0_0.*topic moods, partition 0, offset 1/),
      )
    }
    using driver = new TopologyTestDriver(app, { onError: { deserialization: 'skip' } })
    driver.inputTopic(moods).pipeBytes(bad)
    driver.inputTopic(moods).pipeInput('k', { id: '2', kind: 'calm', tags: [] })
    assert.deepEqual(driver.outputTopic(ids).readValuesToList(), ['2'])
    assert.equal(driver.dropped().get('deserialization-error'), 1)
  })
})
