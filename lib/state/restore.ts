import { type ChangelogRecord, corrupt, createChangelogReader, isMarker, type StoreIds } from './changelog.js'
import type { StateBackend } from './port.js'

export interface Restored {
  /** What the log gave the stores. New stores get the next ones: see `assignStoreIds`. */
  readonly ids: StoreIds
  /** How many records were read. */
  readonly records: number
}

/** Rows for one transaction: in key order, LMDB takes more than twice as many a second as in smaller ones. */
const ROWS = 50_000
/** Of the log, which the rows that wait are parts of. */
const BYTES = 64 << 20

/**
 * Makes the state what its changelog says, byte for byte. Whatever was there is wiped first. Rows are written in
 * bulk and the metadata last: until then the state counts as missing, so whoever is interrupted begins again.
 *
 * Records after the last marker belong to a commit that did not happen. A compacted log has no other marker, so
 * whether its rows count is known only at its end; they are written all the same, for the state may be larger than
 * memory. Should such a log turn out not to end with its marker, it is read a second time, up to there.
 *
 * @param read gives the records of the log in their order; called again for the second time.
 * @param onProgress how many records were read so far, after each batch.
 * @throws RevlogError `E_CHANGELOG_CORRUPT` for a log without a commit.
 */
export async function restore(
  backend: StateBackend,
  read: () => AsyncIterable<readonly ChangelogRecord[]> | Iterable<readonly ChangelogRecord[]>,
  onProgress: (records: number) => void = () => {},
): Promise<Restored> {
  let through = Infinity
  for (;;) {
    backend.wipe()
    const attempt = createAttempt(backend, through)
    for await (const batch of read()) {
      for (const record of batch) attempt.add(record)
      onProgress(attempt.records())
    }
    const marker = attempt.finish()
    if (marker === undefined) return { ids: attempt.ids(), records: attempt.records() }
    through = marker
  }
}

interface Attempt {
  readonly add: (record: ChangelogRecord) => void
  readonly records: () => number
  readonly ids: () => StoreIds
  /** The number of the last marker when rows after it were written, which must not be. */
  readonly finish: () => number | undefined
}

/** @param through the number of the last record that counts. */
function createAttempt(backend: StateBackend, through: number): Attempt {
  const reader = createChangelogReader()
  let records = 0
  let marker = 0
  let bytes = 0
  /** Rows were written that no marker has followed yet. */
  let ahead = false

  function write(): void {
    const completed = reader.take()
    if (completed !== undefined) {
      backend.commit(completed.writes, undefined)
      return
    }
    backend.commit(reader.takeRows(), undefined)
    ahead = marker < records
  }

  return {
    add(record) {
      records++
      if (records > through) return
      reader.add(record)
      if (isMarker(record)) {
        marker = records
        ahead = false
      }
      bytes += record.key.length + (record.value?.length ?? 0)
      if (reader.held() < ROWS && bytes < BYTES) return
      write()
      bytes = 0
    },
    records: () => records,
    ids: reader.ids,
    finish() {
      const metadata = reader.metadata()
      if (metadata === undefined) throw corrupt('it does not end with a commit')
      if (ahead) return marker
      const writes = reader.take()?.writes ?? []
      if (marker === Math.min(records, through) && reader.held() > 0)
        throw corrupt('it does not name its stores')
      backend.commit(writes, metadata)
      return undefined
    },
  }
}
