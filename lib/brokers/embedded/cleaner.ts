import type { BinaryKey } from '../../core/binary-key.js'
import type { Database, Environment } from '../../state/lmdb/environment.js'
import type { BatchEncoder } from './batch.js'
import { type CompactionPass, compactRows, mapRows, startPass } from './compaction.js'
import { partitionKey } from './keys.js'
import type { PartitionFigures, Partitions } from './partitions.js'
import { deleteBelow, deleteExpired } from './retention.js'
import type { Topics } from './topics.js'

export interface CleanOptions {
  /** Milliseconds since the epoch, handed in. */
  readonly wallTime: number
  /** The most batches that one call reads: what bounds its time. 16 when absent; fewer when they are large. */
  readonly maxBatches?: number
  /** Compaction begins when this share of a partition's bytes has not been compacted yet. 0.5 when absent. */
  readonly minDirtyRatio?: number
  /** … and at least so many bytes. 1 MiB when absent. */
  readonly minDirtyBytes?: number
  /** How long a tombstone outlives the values that it deletes, so that slow readers see it. 24 hours when absent. */
  readonly deleteRetentionMs?: number
}

export interface Cleaned {
  /** Batches read. */
  readonly batches: number
  /** There is more to do now: call again. */
  readonly more: boolean
}

/**
 * Retention and compaction, a bounded step a call, for a service that calls it when it has nothing better to do.
 * Where a pass over a partition stands is remembered in memory only: each step leaves a log that is right by
 * itself, so after a crash a pass simply begins again.
 */
export interface Cleaner {
  /** Not inside a transaction: a step is one of its own. */
  clean(options: CleanOptions): Cleaned
  /**
   * Deletes records below an offset, by whole batches, at most `maxBatches` (16 when absent) of them: for a topic
   * that its only reader has read so far.
   */
  deleteBelow(topic: string, partition: number, offset: number, maxBatches?: number): Cleaned
}

const DAY_MS = 86_400_000

export interface CleanerStores {
  readonly environment: Environment
  readonly partitions: Partitions
  readonly batches: Database
  readonly encoder: BatchEncoder
}

export function createCleaner(stores: CleanerStores, topics: Topics): Cleaner {
  const passes = new Map<BinaryKey, CompactionPass>()

  const cleanPartition = (
    key: BinaryKey,
    config: { readonly cleanupPolicy: string; readonly retentionMs?: number },
    options: Required<CleanOptions>,
    budget: number,
  ): Cleaned => {
    const { wallTime } = options
    if (config.cleanupPolicy === 'delete') {
      if (config.retentionMs === undefined) return { batches: 0, more: false }
      return deleteExpired(stores, key, wallTime - config.retentionMs, budget)
    }
    let pass = passes.get(key)
    if (pass === undefined) {
      const figures = stores.partitions.get(key)
      if (!isDue(figures, options)) return { batches: 0, more: false }
      pass = startPass(figures)
      passes.set(key, pass)
    }
    try {
      if (pass.phase === 'map') return { batches: mapRows(stores, key, pass, budget), more: true }
      const { batches, done } = compactRows(stores, key, pass, budget, wallTime, options.deleteRetentionMs)
      if (done) passes.delete(key)
      return { batches, more: !done }
    } catch (thrown) {
      passes.delete(key)
      throw thrown
    }
  }

  return {
    deleteBelow: (topic, partition, offset, maxBatches = 16) =>
      deleteBelow(stores, partitionKey(topics.get(topic).id, partition), offset, maxBatches),
    clean(given) {
      const options: Required<CleanOptions> = {
        maxBatches: 16,
        minDirtyRatio: 0.5,
        minDirtyBytes: 1 << 20,
        deleteRetentionMs: DAY_MS,
        ...given,
      }
      let batches = 0
      for (const topic of topics.list()) {
        for (let partition = 0; partition < topic.partitions; partition++) {
          if (batches >= options.maxBatches) return { batches, more: true }
          const key = partitionKey(topic.id, partition)
          const cleaned = cleanPartition(key, topic.config, options, options.maxBatches - batches)
          batches += cleaned.batches
          if (cleaned.more) return { batches, more: true }
        }
      }
      return { batches, more: false }
    },
  }
}

function isDue(figures: PartitionFigures, options: Required<CleanOptions>): boolean {
  const { bytes, dirtyBytes, tombstonesDue } = figures
  if (tombstonesDue > 0 && options.wallTime >= tombstonesDue) return true
  return dirtyBytes > 0 && dirtyBytes >= options.minDirtyBytes && dirtyBytes >= options.minDirtyRatio * bytes
}
