import { keyOfBytes } from '../lib/core/binary-key.js'
import { lastHeader } from '../lib/core/record.js'
import { compareRevisions, formatRevision, REVISION_HEADERS } from '../lib/core/revision.js'
import type { SinkTopic, SourceTopic } from '../lib/topology/topic.js'
import { keyIn } from './output-topic.js'
import type { Logged, TopicLog } from './topic-log.js'

/** One answer in the history of an id. */
export interface TestRevision<V> {
  /** `12.47`: offset of the left record, position of the right side. `undefined` in a topic without revisions. */
  readonly revision: string | undefined
  /** `undefined`: the answer was taken back. */
  readonly value: V | undefined
  readonly timestamp: number
  /** Event time of the matched right version. */
  readonly asOf: number | undefined
  /** The right record that caused the correction, as `topic-partition@offset`. */
  readonly cause: string | undefined
  readonly final: boolean
  readonly late: boolean
  readonly historyExpired: boolean
  readonly partition: number
  readonly offset: number
}

/** Every answer that was written for one id, in the order in which they were written. */
export function revisionsOf<K, V>(
  topic: SinkTopic<K, any> & SourceTopic<any, V>,
  id: K,
  log: TopicLog | undefined,
): readonly TestRevision<V>[] {
  const key = topic.key.encode(id)
  return (log?.written ?? []).filter((r) => r.key?.equals(key)).map((r) => revisionOf(topic, r))
}

function revisionOf<V>(topic: SourceTopic<any, V>, { value, headers, ...record }: Logged): TestRevision<V> {
  const names = REVISION_HEADERS
  const revision = lastHeader(headers, names.revision)
  return {
    revision: revision === undefined ? undefined : formatRevision(revision),
    value: value === undefined ? undefined : topic.value.decode(value),
    timestamp: record.timestamp,
    asOf: timeIn(lastHeader(headers, names.asOf)),
    cause: lastHeader(headers, names.cause)?.toString(),
    final: lastHeader(headers, names.final) !== undefined,
    late: lastHeader(headers, names.late) !== undefined,
    historyExpired: lastHeader(headers, names.historyExpired) !== undefined,
    partition: record.partition,
    offset: record.offset,
  }
}

const timeIn = (bytes: Buffer | undefined): number | undefined =>
  bytes === undefined ? undefined : Number(bytes.readBigInt64BE(0))

/**
 * The record of each key that counts: the one with the greatest revision, the later of two equal ones, and in a
 * topic without revisions the last. Keys are bytes; a key that ends with a tombstone is in here, with it.
 */
export function lastRecords(written: readonly Logged[]): ReadonlyMap<string, Logged> {
  const last = new Map<string, Logged>()
  for (const record of written) {
    if (record.key === undefined) continue
    const key = keyOfBytes(record.key)
    const known = last.get(key)
    if (known === undefined || !isOlder(record, known)) last.set(key, record)
  }
  return last
}

function isOlder(record: Logged, than: Logged): boolean {
  const revision = lastHeader(record.headers, REVISION_HEADERS.revision)
  const known = lastHeader(than.headers, REVISION_HEADERS.revision)
  return revision !== undefined && known !== undefined && compareRevisions(revision, known) < 0
}

/** The table that a reader of the revision log has in the end. */
export function lastRevisionsOf<K, V>(
  topic: SourceTopic<K, V>,
  log: TopicLog | undefined,
): ReadonlyMap<K, V> {
  const table = new Map<K, V>()
  for (const { key, value } of lastRecords(log?.written ?? []).values()) {
    if (value !== undefined) table.set(keyIn(topic, key), topic.value.decode(value))
  }
  return table
}
