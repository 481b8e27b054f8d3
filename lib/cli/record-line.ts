import { messageOf, RevlogError } from '../core/errors.js'
import { type Headers, type LogRecord, lastHeader } from '../core/record.js'
import { formatRevision, REVISION_BYTES, REVISION_HEADERS } from '../core/revision.js'
import { textOrBase64 } from './rows/base64.js'
import { jsonHeaders } from './rows/headers.js'
import type { CliTopic } from './topics.js'

const OWN: ReadonlySet<string> = new Set(Object.values(REVISION_HEADERS))

/**
 * A record as one line of JSON: `key`, `value` (`null` for a tombstone), what the headers of a revision log say in
 * words, then its place. `produce` and `--from` take such a line back.
 */
export function recordLine(topic: CliTopic, partition: number, record: LogRecord): string {
  const others = record.headers.filter((header) => !OWN.has(header.key))
  return toJson({
    key: decoded(topic, 'key', partition, record),
    value: decoded(topic, 'value', partition, record),
    timestamp: record.timestamp < 0 ? undefined : record.timestamp,
    ...revisionMembers(record.headers),
    headers: others.length === 0 ? undefined : jsonHeaders(others),
    partition,
    offset: record.offset,
  })
}

function decoded(topic: CliTopic, part: 'key' | 'value', partition: number, record: LogRecord): unknown {
  const bytes = record[part]
  if (bytes === undefined) return null
  const { decode } = topic[part]
  try {
    const value = decode === undefined ? textOrBase64(bytes) : decode(bytes)
    return value instanceof Uint8Array ? textOrBase64(Buffer.from(value)) : value
  } catch (cause) {
    if (cause instanceof RevlogError) {
      throw cause.located({ topic: topic.name, partition, offset: record.offset })
    }
    throw new RevlogError('E_DESERIALIZATION', `the ${part} cannot be read: ${messageOf(cause)}`, {
      at: { topic: topic.name, partition, offset: record.offset },
      cause,
    })
  }
}

/** `revision` is `12.47`; `asOf` the event time of the match; `cause` the record that corrected the answer. */
function revisionMembers(headers: Headers): { readonly [name: string]: unknown } {
  const of = (name: string): Buffer | undefined => lastHeader(headers, name)
  const flag = (name: string): true | undefined => (of(name)?.[0] === 1 ? true : undefined)
  const revision = of(REVISION_HEADERS.revision)
  const asOf = of(REVISION_HEADERS.asOf)
  return {
    revision: revision?.length === REVISION_BYTES ? formatRevision(revision) : undefined,
    asOf: asOf?.length === 8 ? Number(asOf.readBigInt64BE()) : undefined,
    cause: of(REVISION_HEADERS.cause)?.toString('utf8'),
    final: flag(REVISION_HEADERS.final),
    late: flag(REVISION_HEADERS.late),
    historyExpired: flag(REVISION_HEADERS.historyExpired),
  }
}

/** JSON of any value: a bigint becomes text, and control characters cannot reach a terminal. */
function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))
  // JSON escapes the others by itself.
  return text.replace(/[\u007f-\u009f\u2028\u2029]/g, escaped)
}

const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
