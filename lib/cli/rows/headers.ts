import { RevlogError } from '../../core/errors.js'
import type { Header, Headers } from '../../core/record.js'
import { type Bytes64, isBase64, textOrBase64 } from './base64.js'

/** `null` is a header without a value. */
export type JsonBytes = string | Bytes64 | null

export type JsonHeaders = { readonly [name: string]: JsonBytes | readonly JsonBytes[] }

/** Headers as an object; a name that repeats has a list, in order. */
export function jsonHeaders(headers: Headers): JsonHeaders {
  const names = new Map<string, JsonBytes[]>()
  for (const { key, value } of headers)
    names.set(key, [...(names.get(key) ?? []), value === undefined ? null : textOrBase64(value)])
  return Object.fromEntries([...names].map(([name, all]) => [name, all.length === 1 ? all[0]! : all]))
}

/** @throws RevlogError `E_ROW_HEADERS` */
export function headersOf(json: unknown): Headers {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('headers', json)
  return Object.entries(json).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): Header => ({ key: name, value: bytesOf(name, one) })),
  )
}

function bytesOf(name: string, json: unknown): Buffer | undefined {
  if (json === null) return undefined
  if (typeof json === 'string') return Buffer.from(json, 'utf8')
  if (isBase64(json)) return Buffer.from(json.base64, 'base64')
  throw wrong(`header ${JSON.stringify(name)}`, json)
}

const wrong = (what: string, json: unknown): RevlogError =>
  new RevlogError('E_ROW_HEADERS', `${what} cannot be ${JSON.stringify(json)}`, {
    remedy: 'write an object from name to text, to {"base64": …}, or to a list of these',
  })
