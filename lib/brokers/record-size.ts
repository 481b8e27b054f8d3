import type { Headers } from '../core/record.js'

/** The bytes of a record that are its user's: key, value, header names and values. */
export function recordBytes(record: {
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly headers: Headers
}): number {
  const { key, value, headers } = record
  let bytes = (key === undefined ? 0 : key.length) + (value === undefined ? 0 : value.length)
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!
    bytes += header.key.length + (header.value === undefined ? 0 : header.value.length)
  }
  return bytes
}
