import type { RowRules, RowTopic } from './record-of-row.js'
import type { GoodRow } from './row.js'
import { field, fieldsOf, problemOf, rowError } from './row-error.js'

/** The field that is the key when nobody names one. */
const KEY = 'key'

/** The key of a row that is a value: the field named by `--key`, the topic's `keyOf`, the field `key`. */
export function keyOfValue(
  topic: RowTopic,
  rules: RowRules,
  row: GoodRow,
  read: unknown,
): Buffer | undefined {
  const { keyField } = rules
  if (keyField !== undefined) {
    return encodeKey(topic, field(row.value, keyField, '--key'), row.cell?.(keyField))
  }
  const fields = fieldsOf(row.value)
  if (topic.keyOf !== undefined) {
    const key = topic.keyOf(read)
    return key === undefined ? noKey(topic, Object.keys(fields ?? {})) : encodeKey(topic, key, undefined)
  }
  if (fields !== undefined && Object.hasOwn(fields, KEY)) {
    return encodeKey(topic, fields[KEY], row.cell?.(KEY))
  }
  return noKey(topic, fields === undefined ? [] : Object.keys(fields))
}

export function noKey(topic: RowTopic, fields: readonly string[] = []): undefined {
  if (topic.keyless === true) return undefined
  const choice = fields.length === 0 ? '' : ` (one of ${fields.join(', ')})`
  throw rowError(
    'E_ROW_KEY',
    'the row has no key',
    `name the field that is the key: --key ${topic.name}=FIELD${choice}; or give the topic a keyOf; or write {"key": …, "value": …}`,
  )
}

/** A key as the topic's serde takes it. A string topic also takes a number: as it was written, if that is known. */
export function encodeKey(topic: RowTopic, key: unknown, written: string | undefined): Buffer | undefined {
  if (key === undefined || key === null) return noKey(topic)
  try {
    return topic.key.encode(key)
  } catch (cause) {
    const text = written ?? (Number.isFinite(key) || typeof key === 'boolean' ? String(key) : undefined)
    if (text !== undefined && text !== key) {
      try {
        return topic.key.encode(text)
      } catch {
        // The first error says more: it is about the key as it was given.
      }
    }
    throw rowError(
      'E_ROW_KEY',
      `the key ${JSON.stringify(key)} does not fit the topic: ${problemOf(cause)}`,
      undefined,
      cause,
    )
  }
}
