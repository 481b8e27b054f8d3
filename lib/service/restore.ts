import { RevlogError } from '../core/errors.js'
import type { ChangelogRecord } from '../state/changelog.js'
import type { StateBackend } from '../state/port.js'
import { type Restored, restore as restoreState } from '../state/restore.js'
import type { Journal } from './journal.js'

/** What is read at a time: enough to be fast, little enough that the process stays awake. */
const CHUNK_BYTES = 4 << 20
const CHUNK_RECORDS = 50_000

/** Makes the state of a task what its changelog topic says; durable when it resolves. See `state/restore.ts`. */
export async function restore(
  journal: Journal,
  backend: StateBackend,
  topic: string,
  partition: number,
  onProgress: (offset: number, end: number) => void,
): Promise<Restored> {
  const end = journal.endOffset(topic, partition)
  async function* read(): AsyncGenerator<readonly ChangelogRecord[]> {
    for (let offset = journal.startOffset(topic, partition); offset < end; ) {
      const chunk = { topic, partition, offset, maxRecords: CHUNK_RECORDS, maxBytes: CHUNK_BYTES }
      const { records, nextOffset } = journal.read(chunk)
      yield records.map(({ key, value }) => ({ key: key!, value }))
      offset = nextOffset
      onProgress(offset, end)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  try {
    const restored = await restoreState(backend, read)
    await journal.flushed()
    return restored
  } catch (thrown) {
    throw thrown instanceof RevlogError ? thrown.located({ topic, partition }) : thrown
  }
}
