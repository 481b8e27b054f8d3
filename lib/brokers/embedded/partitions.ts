import type { BinaryKey } from '../../core/binary-key.js'
import type { Environment } from '../../state/lmdb/environment.js'

/** What the log knows of a partition beside its batches. */
export interface PartitionFigures {
  /** The first offset that may still be there. */
  readonly start: number
  /** The offset that the next record gets. It never goes back, whatever compaction and retention remove. */
  readonly end: number
  /** Below it each key has one record: compaction has been there. */
  readonly cleanedTo: number
  readonly bytes: number
  /** How many of the bytes compaction has not seen: about, as it only decides when to compact. */
  readonly dirtyBytes: number
  /** Wall time at which the next tombstones may go; 0: none are waiting. */
  readonly tombstonesDue: number
}

export interface Partitions {
  get(key: BinaryKey): PartitionFigures
  put(key: BinaryKey, figures: PartitionFigures): void
}

const EMPTY: PartitionFigures = Object.freeze({
  start: 0,
  end: 0,
  cleanedTo: 0,
  bytes: 0,
  dirtyBytes: 0,
  tombstonesDue: 0,
})
const FIELDS = ['start', 'end', 'cleanedTo', 'bytes', 'dirtyBytes', 'tombstonesDue'] as const

/** Six f64, big-endian, in the order of {@link PartitionFigures}; a partition without a row is empty. */
export function createPartitions(environment: Environment): Partitions {
  const rows = environment.database('log/partitions')
  return {
    get(key) {
      const row = rows.get(key)
      if (row === undefined) return EMPTY
      return {
        start: row.readDoubleBE(0),
        end: row.readDoubleBE(8),
        cleanedTo: row.readDoubleBE(16),
        bytes: row.readDoubleBE(24),
        dirtyBytes: row.readDoubleBE(32),
        tombstonesDue: row.readDoubleBE(40),
      }
    },
    put(key, figures) {
      const row = Buffer.allocUnsafe(48)
      for (let i = 0; i < FIELDS.length; i++) row.writeDoubleBE(figures[FIELDS[i]!], 8 * i)
      rows.put(key, row)
    },
  }
}
