import type { BinaryKey } from '../../core/binary-key.js'
import type { StateBackend, StoreWrites } from '../../state/port.js'

/**
 * Keys of changelog records that must be written again: the log's last word of them is not what the state says.
 * They are kept with the state until that has happened, because the place in the log is already past the reason.
 */
export const DIRTY_STORE = '#dirty'

const NOTHING = Buffer.alloc(0)
const PAGE = 10_000

export function dirtyWrites(keys: Iterable<BinaryKey>): readonly StoreWrites[] {
  const writes = [...new Set(keys)].sort().map((key) => ({ key, value: NOTHING }))
  return writes.length === 0 ? [] : [{ store: DIRTY_STORE, writes }]
}

export const cleanWrites = (keys: readonly BinaryKey[]): readonly StoreWrites[] =>
  keys.length === 0 ? [] : [{ store: DIRTY_STORE, writes: keys.map((key) => ({ key, value: undefined })) }]

/** Ascending. */
export function readDirty(backend: StateBackend): readonly BinaryKey[] {
  const rows = backend.rows(DIRTY_STORE)
  const keys: BinaryKey[] = []
  for (let from: BinaryKey | undefined; ; ) {
    const page = rows.scan({ from, limit: PAGE })
    for (const { key } of page) keys.push(key)
    if (page.length < PAGE) return keys
    from = `${keys[keys.length - 1]}\0`
  }
}
