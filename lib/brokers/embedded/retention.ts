import type { BinaryKey } from '../../core/binary-key.js'
import { type BatchInfo, batchInfo } from './batch-reader.js'
import type { Cleaned, CleanerStores } from './cleaner.js'
import { afterBatches } from './keys.js'

/**
 * Deletes the batches at the start of a partition whose newest record is older than `before`, by the records' own
 * timestamps as in Kafka, and moves the log's start behind them. Whole batches: a record younger than that is
 * never deleted, an older one may stay while a younger one is in its batch or before it.
 */
export const deleteExpired = (
  stores: CleanerStores,
  key: BinaryKey,
  before: number,
  maxBatches: number,
): Cleaned => deleteWhile(stores, key, (info) => info.maxTimestamp < before, maxBatches)

/** Deletes the batches of which every record is below an offset: for a topic that has one reader, who is past it. */
export const deleteBelow = (
  stores: CleanerStores,
  key: BinaryKey,
  offset: number,
  maxBatches: number,
): Cleaned => deleteWhile(stores, key, (info) => info.lastOffset < offset, maxBatches)

function deleteWhile(
  { environment, partitions, batches }: CleanerStores,
  key: BinaryKey,
  isGone: (info: BatchInfo) => boolean,
  maxBatches: number,
): Cleaned {
  // To look is cheap and mostly finds nothing: no transaction before there is something to delete.
  const [first] = batches.scan({ from: key, to: afterBatches(key), limit: 1 })
  if (first === undefined || !isGone(batchInfo(first.value))) return { batches: 0, more: false }
  return environment.transaction(() => {
    const figures = partitions.get(key)
    const rows = batches.scan({ from: key, to: afterBatches(key), limit: maxBatches })
    let { start, bytes } = figures
    let deleted = 0
    for (const row of rows) {
      const info = batchInfo(row.value)
      if (!isGone(info)) break
      batches.delete(row.key)
      start = info.lastOffset + 1
      bytes -= row.value.length
      deleted++
    }
    partitions.put(key, { ...figures, start, bytes })
    return { batches: deleted, more: deleted === maxBatches }
  })
}
