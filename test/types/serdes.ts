/** How schemas type topics. Read by the compiler alone. */
import * as v from 'valibot'
import { z } from 'zod'
import { json, type Serde, stream, string, type Topic, topic } from '../../lib/index.js'
import { expectType, type Same } from './expect.js'

// What is read is the schema's output, what may be written its input.
const zod = json(z.object({ id: z.string(), kind: z.enum(['calm', 'tense']).default('calm') }))
type Read = { id: string; kind: 'calm' | 'tense' }
type Written = { id: string; kind?: 'calm' | 'tense' | undefined }
expectType<Same<typeof zod, Serde<Written, Read>>>()

const moods = topic('moods', { key: string(), value: zod, timestamp: (m) => m.id.length })
expectType<Same<typeof moods, Topic<string, Written, string, Read>>>()
stream(moods).mapValues((m) => m.kind.length)
// What is written may leave out what has a default.
stream(moods)
  .mapValues(({ id }) => ({ id }))
  .to(moods)
const glad = stream(moods).mapValues(({ id }) => ({ id, kind: 'glad' as const }))
// @ts-expect-error this kind does not exist
glad.to(moods)
// @ts-expect-error the schema has no such field
stream(moods).filter((m) => m.age > 1)

const valibot = json(v.object({ at: v.pipe(v.string(), v.transform(Number)) }))
expectType<Same<typeof valibot, Serde<{ at: string }, { at: number }>>>()

// Without a schema the type is the caller's promise.
const plain = json<{ readonly a: 1 }>()
expectType<Same<typeof plain, Serde<{ readonly a: 1 }>>>()
// @ts-expect-error the event time of a value is a number
topic('x', { key: string(), value: plain, timestamp: () => 'now' })
// @ts-expect-error a topic has a key serde
topic('x', { value: plain })
