import { textOfBytes } from '../core/binary-key.js'
import { messageOf, RevlogError } from '../core/errors.js'
import { requireJson } from './json-value.js'
import type { Serde } from './serde.js'
import type { SchemaIssue, StandardSchema } from './standard-schema.js'

/**
 * JSON in UTF-8. Without a schema the type is a promise of the caller's; with one (zod, valibot, arktype, any
 * Standard Schema validator) every value is checked and typed by it on its way in, and what fails is a
 * deserialization error that names the path. What revlog wrote itself is not checked again; what a schema made of a
 * value (a Date, say) is refused by stores if JSON would not give it back.
 *
 * @throws RevlogError `E_SCHEMA_ASYNC` for a validator that answers with a promise: the engine is synchronous.
 * @example json<Mood>()
 * @example json(z.object({ id: z.string(), mood: z.enum(['calm', 'tense']) }))
 */
export function json<T>(): Serde<T>
export function json<W, R>(schema: StandardSchema<W, R>): Serde<W, R>
export function json(schema?: StandardSchema): Serde<unknown> {
  if (schema === undefined) return PLAIN
  const { validate, vendor } = schema['~standard']
  return Object.freeze({
    name: 'json',
    encode: encodeJson,
    decode: (bytes: Buffer) => {
      const result = validate(decodeJson(bytes))
      if (isPromise(result)) {
        result.then(undefined, () => {}) // its failure would be reported as unhandled, and this one is the cause
        throw new RevlogError('E_SCHEMA_ASYNC', `the ${vendor} schema validates asynchronously`, {
          remedy:
            'use a schema without asynchronous checks: records are processed one after the other, at once',
        })
      }
      if (result.issues !== undefined) throw invalid(result.issues)
      return result.value
    },
    trusted: FAITHFUL,
  })
}

const PLAIN: Serde<any> = Object.freeze({ name: 'json', encode: encodeJson, decode: decodeJson })

/** For what came out of a schema, which may be more than JSON. */
const FAITHFUL: Serde<any> = Object.freeze({
  name: 'json',
  encode: (value: unknown) => {
    requireJson(value)
    return encodeJson(value)
  },
  decode: decodeJson,
})

const isPromise = (result: object): result is PromiseLike<unknown> =>
  typeof (result as Partial<PromiseLike<unknown>>).then === 'function'

function encodeJson(value: unknown): Buffer {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw unwritable(messageOf(cause).split('\n')[0]!, cause) // a bigint, or a circle, which is drawn in more lines
  }
  if (text === undefined) throw unwritable(`${typeof value} has no text`, undefined)
  return Buffer.from(text, 'utf8')
}

function unwritable(why: string, cause: unknown): RevlogError {
  return new RevlogError('E_SERIALIZATION', `json() cannot write the value: ${why}`, {
    remedy: 'return a JSON value; to delete a key, emit no value at all',
    cause,
  })
}

function decodeJson(bytes: Buffer): unknown {
  const text = textOfBytes(bytes)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
    throw new RevlogError(
      'E_DESERIALIZATION',
      `this is not JSON: ${JSON.stringify(shown)} (${messageOf(cause)})`,
      { cause },
    )
  }
}

function invalid(issues: readonly SchemaIssue[]): RevlogError {
  const shown = issues.slice(0, 5).map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return at === '' ? message : `${at}: ${message}`
  })
  const more = issues.length > shown.length ? `, and ${issues.length - shown.length} more` : ''
  return new RevlogError('E_DESERIALIZATION', `the value does not fit its schema: ${shown.join('; ')}${more}`)
}
