import type { BinaryKey } from '../../core/binary-key.js'
import { batchInfo } from './batch-reader.js'
import type { Cleaned, CleanerStores } from './cleaner.js'
import { afterBatches } from './keys.js'

/**
 * Deletes the batches at the start of a partition whose newest record is older than `before`, by the records' own
 * timestamps as in Kafka, and moves the log's start behind them. Whole batches: a record younger than that is
 * never deleted, an older one may stay while a younger one is in its batch or before it.
 */
export function deleteExpired(
  { environment, partitions, batches }: CleanerStores,
  key: BinaryKey,
  before: number,
  maxBatches: number,
): Cleaned {
  return environment.transaction(() => {
    const figures = partitions.get(key)
    const rows = batches.scan({ from: key, to: afterBatches(key), limit: maxBatches })
    let { start, bytes } = figures
    let deleted = 0
    for (const row of rows) {
      const info = batchInfo(row.value)
      if (info.maxTimestamp >= before) break
      batches.delete(row.key)
      start = info.lastOffset + 1
      bytes -= row.value.length
      deleted++
    }
    if (deleted === 0) return { batches: 0, more: false }
    partitions.put(key, { ...figures, start, bytes })
    return { batches: deleted, more: deleted === maxBatches }
  })
}
