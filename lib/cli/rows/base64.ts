/** Bytes that are no text, in JSON. */
export interface Bytes64 {
  readonly base64: string
}

/** Bytes in JSON: text where they are UTF-8. */
export function textOrBase64(bytes: Buffer): string | Bytes64 {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : { base64: bytes.toString('base64') }
}

export function isBase64(value: unknown): value is Bytes64 {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    typeof (value as Partial<Bytes64>).base64 === 'string'
  )
}
