import { messageOf, RevlogError } from '../../core/errors.js'
import { type Headers, NO_HEADERS, type ProducerRecord } from '../../core/record.js'
import { headersOf } from './headers.js'
import { encodeKey, keyOfValue, noKey } from './key.js'
import { isRecordLine, type RecordLine } from './record-line.js'
import type { GoodRow } from './row.js'
import { field, problemOf, rowError } from './row-error.js'
import { timeOf } from './time.js'

/** What a row needs of the topic that it goes to. A topic of the DSL has it all; a raw one lacks the options. */
export interface RowTopic {
  readonly name: string
  readonly key: RowSerde
  readonly value: RowSerde
  readonly timestamp?:
    | ((value: any, record: { readonly timestamp: number; readonly headers: Headers }) => number | undefined)
    | undefined
  readonly keyOf?: ((value: any) => unknown) | undefined
  /** Whether a record needs no key: so it is for a topic that nobody has described. */
  readonly keyless?: boolean
}

export interface RowSerde {
  readonly encode: (value: any) => Buffer
  readonly decode?: (bytes: Buffer) => unknown
}

export interface RowRules {
  readonly file: string
  /** The member or column that is the key; it stays in the value. */
  readonly keyField?: string | undefined
  /** The member or column that is the event time, for a topic that does not say. */
  readonly timeField?: string | undefined
  /** The time of a row that has none. */
  readonly now: () => number
}

/**
 * Turns the rows of one file into records of a topic. Everything that the topology would reject later is rejected
 * here, where file and line are known: the value is encoded, read back through the topic's schema, and asked for
 * its event time.
 *
 * The key is, in this order: the record line's own; the field named by `--key`; the topic's `keyOf`; the field `key`.
 *
 * @throws RevlogError of the returned function: `E_ROW_KEY`, `E_ROW_VALUE`, `E_ROW_TIME`, `E_ROW_HEADERS` with file
 *   and line.
 */
export function recordReader(topic: RowTopic, rules: RowRules): (row: GoodRow) => ProducerRecord {
  return (row) => {
    const at = { topic: topic.name, file: rules.file, line: row.line }
    try {
      return isRecordLine(row.value) ? fromRecordLine(topic, rules, row.value) : fromValue(topic, rules, row)
    } catch (thrown) {
      if (thrown instanceof RevlogError) throw thrown.located(at)
      throw rowError('E_ROW_VALUE', messageOf(thrown), undefined, thrown).located(at)
    }
  }
}

function fromRecordLine(topic: RowTopic, rules: RowRules, line: RecordLine): ProducerRecord {
  const headers = line.headers === undefined ? NO_HEADERS : headersOf(line.headers)
  const own = line.timestamp === undefined ? undefined : timeOf(line.timestamp, 'timestamp')
  const tombstone = line.value === null
  const checked = tombstone ? undefined : encodeValue(topic, line.value)
  return {
    topic: topic.name,
    partition: undefined,
    key: line.key === null ? noKey(topic) : encodeKey(topic, line.key, undefined),
    value: checked?.bytes,
    timestamp: eventTime(topic, checked?.read, own, headers, rules),
    headers,
  }
}

function fromValue(topic: RowTopic, rules: RowRules, row: GoodRow): ProducerRecord {
  const { bytes, read } = encodeValue(topic, row.value)
  const { timeField } = rules
  const own = timeField === undefined ? undefined : timeOf(field(row.value, timeField, '--time'), timeField)
  return {
    topic: topic.name,
    partition: undefined,
    key: keyOfValue(topic, rules, row, read),
    value: bytes,
    timestamp: eventTime(topic, read, own, NO_HEADERS, rules),
    headers: NO_HEADERS,
  }
}

/** The value's bytes, and the value as the topology will read them. */
function encodeValue(topic: RowTopic, value: unknown): { readonly bytes: Buffer; readonly read: unknown } {
  try {
    const bytes = topic.value.encode(value)
    return { bytes, read: topic.value.decode === undefined ? value : topic.value.decode(bytes) }
  } catch (cause) {
    const remedy = cause instanceof RevlogError ? cause.remedy : undefined
    throw rowError('E_ROW_VALUE', `the value does not fit the topic: ${problemOf(cause)}`, remedy, cause)
  }
}

function eventTime(
  topic: RowTopic,
  value: unknown,
  own: number | undefined,
  headers: Headers,
  rules: RowRules,
): number {
  if (topic.timestamp === undefined) return own ?? rules.now()
  if (value === undefined) {
    if (own !== undefined) return own
    throw rowError(
      'E_ROW_TIME',
      'a tombstone has no value to take its event time from',
      'add "timestamp": to the line',
    )
  }
  const time = topic.timestamp(value, { timestamp: own ?? -1, headers })
  if (time !== undefined && Number.isSafeInteger(time) && time >= 0) return time
  throw rowError(
    'E_ROW_TIME',
    `the topic takes its event time from the value, and got ${String(time)}`,
    'it must be a whole number of milliseconds since the epoch, 0 or more',
  )
}
