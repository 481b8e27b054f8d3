import type { Broker } from '../brokers/port.js'
import { type BinaryKey, keyOfBytes } from '../core/binary-key.js'
import { RevlogError } from '../core/errors.js'
import { type LogRecord, lastHeader } from '../core/record.js'
import { REVISION_HEADERS } from '../core/revision.js'
import type { SourceTopic } from '../topology/topic.js'
import { decodeRecord, type TopicRecord } from './topic-record.js'

/** Which record of a key counts, and the revision that it has; `''`, below every revision, where it has none. */
interface Winner {
  offset: number
  revision: BinaryKey
}

/**
 * The table that a topic is: of each key the record with the greatest revision, and where records carry no
 * revision the last one. Tombstones are left out. Rows come by partition, in the order of their offsets.
 *
 * The topic is read twice, first for the offsets that count and then for their records, so that memory holds the
 * keys of one partition and not its values.
 *
 * @throws RevlogError `E_TOPIC_UNKNOWN`
 * @example
 * for await (const { key, value } of lastRevisions(broker, advice)) console.log(key, value)
 */
export async function* lastRevisions<K, V>(
  broker: Broker,
  topic: SourceTopic<K, V>,
): AsyncGenerator<TopicRecord<K, V>, void, undefined> {
  const ends = await broker.endOffsets(topic.name)
  for (let partition = 0; partition < ends.length; partition++) {
    let end = ends[partition]!
    let winners = await findWinners(broker, topic.name, partition, end, () => true)
    for (;;) {
      for await (const records of batchesOf(broker, topic.name, partition, end)) {
        for (const raw of records) {
          if (raw.key === undefined) continue
          const key = keyOfBytes(raw.key)
          if (winners.get(key)?.offset !== raw.offset) continue
          winners.delete(key)
          if (raw.value !== undefined) yield decodeRecord(topic, partition, raw)
        }
      }
      if (winners.size === 0) break
      // Compaction took a winner away between the two readings, because a later record replaces it: find that.
      const missing = winners
      end = (await broker.endOffsets(topic.name))[partition]!
      winners = await findWinners(broker, topic.name, partition, end, (key) => missing.has(key))
    }
  }
}

async function findWinners(
  broker: Broker,
  topic: string,
  partition: number,
  end: number,
  wanted: (key: BinaryKey) => boolean,
): Promise<Map<BinaryKey, Winner>> {
  const winners = new Map<BinaryKey, Winner>()
  for await (const records of batchesOf(broker, topic, partition, end)) {
    for (const { key: bytes, offset, headers } of records) {
      if (bytes === undefined) continue
      const key = keyOfBytes(bytes)
      if (!wanted(key)) continue
      const header = lastHeader(headers, REVISION_HEADERS.revision)
      const revision = header === undefined ? '' : keyOfBytes(header)
      const known = winners.get(key)
      if (known === undefined) winners.set(key, { offset, revision })
      else if (revision === '' || revision >= known.revision) {
        known.offset = offset
        known.revision = revision
      }
    }
  }
  return winners
}

async function* batchesOf(
  broker: Broker,
  topic: string,
  partition: number,
  end: number,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  let offset = 0
  while (offset < end) {
    const { records, nextOffset } = await fetchFrom(broker, topic, partition, offset)
    yield (records[records.length - 1]?.offset ?? -1) < end ? records : records.filter((r) => r.offset < end)
    if (nextOffset <= offset) return
    offset = nextOffset
  }
}

/** What was forgotten while we read is skipped: a table has no use for it. */
async function fetchFrom(broker: Broker, topic: string, partition: number, offset: number) {
  try {
    return await broker.fetch({ topic, partition, offset })
  } catch (thrown) {
    if (!(thrown instanceof RevlogError) || thrown.code !== 'E_OFFSET_OUT_OF_RANGE') throw thrown
    return await broker.fetch({ topic, partition, offset: await logStart(broker, topic, partition) })
  }
}

async function logStart(broker: Broker, topic: string, partition: number): Promise<number> {
  const [end] = (await broker.endOffsets(topic)).slice(partition)
  const { logStartOffset } = await broker.fetch({ topic, partition, offset: end ?? 0, maxRecords: 1 })
  return logStartOffset
}
