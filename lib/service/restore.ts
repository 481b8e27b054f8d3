import { RevlogError } from '../core/errors.js'
import { createChangelogReader, type StoreIds } from '../state/changelog.js'
import type { StateBackend } from '../state/port.js'
import type { Journal } from './journal.js'

export interface Restored {
  readonly records: number
  readonly ids: StoreIds
}

/** What becomes one transaction: large enough to be fast, small enough to be held in memory. */
const CHUNK_BYTES = 4 << 20
const CHUNK_RECORDS = 50_000

/**
 * Reads the rows of a task back from its changelog, until they are byte for byte what they were. The metadata is
 * written last: while there is none the state counts as missing, so whoever is interrupted begins again.
 */
export async function restore(
  journal: Journal,
  backend: StateBackend,
  topic: string,
  partition: number,
  onProgress: (offset: number, end: number) => void,
): Promise<Restored> {
  const end = journal.endOffset(topic, partition)
  const reader = createChangelogReader()
  backend.wipe()
  let records = 0
  for (let offset = journal.startOffset(topic, partition); offset < end; ) {
    const chunk = { topic, partition, offset, maxRecords: CHUNK_RECORDS, maxBytes: CHUNK_BYTES }
    const fetched = journal.read(chunk)
    for (const { key, value } of fetched.records) reader.add({ key: key!, value })
    records += fetched.records.length
    offset = fetched.nextOffset
    backend.commit(reader.takeRows(), undefined)
    onProgress(offset, end)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const metadata = reader.metadata()
  if (metadata === undefined) {
    throw new RevlogError('E_CHANGELOG_CORRUPT', 'the changelog does not end with a commit', {
      at: { topic, partition },
      remedy:
        'the topic is not what this application wrote: give the topology another name, so that it starts anew',
    })
  }
  backend.commit([], metadata)
  await journal.flushed()
  return { records, ids: reader.ids() }
}
