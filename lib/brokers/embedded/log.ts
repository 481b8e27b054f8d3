import { RevlogError } from '../../core/errors.js'
import type { LogRecord, ProducerRecord } from '../../core/record.js'
import type { Environment } from '../../state/lmdb/environment.js'
import type { Row } from '../../state/port.js'
import { checkPartition } from '../checks.js'
import {
  type Appended,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_RECORDS,
  type Fetched,
  type FetchRequest,
} from '../port.js'
import { groupRecords, type PartitionRecords } from './append.js'
import { createBatchEncoder } from './batch.js'
import { batchInfo, decodeBatch } from './batch-reader.js'
import { type Cleaner, createCleaner } from './cleaner.js'
import { afterBatches, batchKey, partitionKey } from './keys.js'
import { createPartitions } from './partitions.js'
import { createPositions, type Positions } from './positions.js'
import { createTopics, type Topics } from './topics.js'

/**
 * The log of one machine: topics, partitions, records and consumers' positions in named databases of an LMDB
 * environment. Synchronous. Whatever is called inside `environment.transaction` is part of it, so outputs,
 * changelog, state and positions become true together or not at all.
 *
 * Nothing that a rolled back transaction could make wrong is remembered in JavaScript: topics and end offsets are
 * read from the environment each time.
 */
export interface EmbeddedLog {
  readonly topics: Topics
  readonly positions: Positions
  readonly cleaner: Cleaner
  /** Each partition's records keep their order and get offsets without gaps. All of them or, when it throws, none. */
  append(records: readonly ProducerRecord[]): readonly Appended[]
  /** The checks of `append`, which throw, and its sorting by partition; writes nothing. */
  prepare(records: readonly ProducerRecord[]): readonly PartitionRecords[]
  /** Writes what `prepare` returned. */
  appendPrepared(groups: readonly PartitionRecords[]): readonly Appended[]
  /** What is there from an offset on; records belong to the caller. See `Broker.fetch`. */
  read(request: FetchRequest): Fetched
  startOffset(topic: string, partition: number): number
  endOffset(topic: string, partition: number): number
}

/** Rows that are small are read many at once: a scan costs as much as dozens of them. */
const MOST_ROWS = 64

export function createLog(environment: Environment): EmbeddedLog {
  const topics = createTopics(environment)
  const partitions = createPartitions(environment)
  const batches = environment.database('log/batches')
  const encoder = createBatchEncoder()

  const figuresOf = (name: string, partition: number) => {
    const topic = topics.get(name)
    checkPartition(topic, partition)
    const key = partitionKey(topic.id, partition)
    return { key, figures: partitions.get(key) }
  }

  const prepare = (records: readonly ProducerRecord[]) => groupRecords(topics, records)

  const appendPrepared = (groups: readonly PartitionRecords[]): readonly Appended[] =>
    environment.transaction(() =>
      groups.map(({ topic, partition, records: own }) => {
        const key = partitionKey(topic.id, partition)
        const figures = partitions.get(key)
        let end = figures.end
        let bytes = 0
        for (let from = 0; from < own.length; ) {
          const batch = encoder.encode(own, from, { baseOffset: end })
          batches.put(batchKey(key, end), batch.bytes)
          bytes += batch.bytes.length
          end += batch.count
          from += batch.count
        }
        partitions.put(key, {
          ...figures,
          end,
          bytes: figures.bytes + bytes,
          dirtyBytes: figures.dirtyBytes + bytes,
        })
        return { topic: topic.name, partition, baseOffset: figures.end, count: own.length }
      }),
    )

  const read = (request: FetchRequest): Fetched => {
    const { topic, partition, offset } = request
    const { key, figures } = figuresOf(topic, partition)
    const { start, end } = figures
    if (!(offset >= start && offset <= end) || !Number.isInteger(offset)) {
      throw new RevlogError('E_OFFSET_OUT_OF_RANGE', `the log has offsets ${start} to ${end}`, {
        at: { topic, partition, offset },
        remedy:
          offset < start
            ? `records have been deleted by retention: go on at ${start}, or keep them longer`
            : 'the log is shorter than it was: check that it is the right directory',
      })
    }
    const { maxRecords = DEFAULT_MAX_RECORDS, maxBytes = DEFAULT_MAX_BYTES } = request
    const budget = { records: maxRecords, bytes: maxBytes }
    const records: LogRecord[] = []
    const done = (nextOffset: number): Fetched => ({
      records,
      nextOffset,
      endOffset: end,
      logStartOffset: start,
    })
    if (offset === end || maxRecords <= 0) return done(offset)

    const last = (): number => (records.length === 0 ? offset : records[records.length - 1]!.offset + 1)
    const to = afterBatches(key)
    let from = batchKey(key, offset + 1)
    let limit = 1
    let rows: readonly Row[] = batches.scan({ from: key, to: from, reverse: true, limit: 1 })
    for (;;) {
      for (const { value } of rows) {
        try {
          if (batchInfo(value).lastOffset >= offset && !decodeBatch(value, offset, records, budget)) {
            return done(last())
          }
        } catch (thrown) {
          throw thrown instanceof RevlogError ? thrown.located({ topic, partition, offset: last() }) : thrown
        }
      }
      if (records.length > 0 && (budget.records <= 0 || budget.bytes <= 0)) return done(last())
      const size = rows[rows.length - 1]?.value.length ?? budget.bytes
      limit = Math.max(1, Math.min(MOST_ROWS, 2 * limit, Math.floor(budget.bytes / size)))
      rows = batches.scan({ from, to, limit })
      if (rows.length === 0) return done(end)
      from = `${rows[rows.length - 1]!.key}\0`
    }
  }

  return {
    topics,
    positions: createPositions(environment),
    cleaner: createCleaner({ environment, partitions, batches, encoder }, topics),
    append: (records) => appendPrepared(prepare(records)),
    prepare,
    appendPrepared,
    read,
    startOffset: (topic, partition) => figuresOf(topic, partition).figures.start,
    endOffset: (topic, partition) => figuresOf(topic, partition).figures.end,
  }
}
