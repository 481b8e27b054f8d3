import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keyOfBytes } from '../../../lib/core/binary-key.js'
import type { LogRecord } from '../../../lib/core/record.js'
import { readCheckpoint } from '../../../lib/service/protocol/checkpoint.js'
import { decodeIdentity, decodeKey, kindOf, type StoreIds } from '../../../lib/state/changelog.js'
import { createLmdbBackend } from '../../../lib/state/lmdb/backend.js'
import { openEnvironment } from '../../../lib/state/lmdb/environment.js'
import { createWriteBuffer } from '../../../lib/state/write-buffer.js'
import type { SubTopology } from '../../../lib/topology/sub-topology.js'

/** The rows of a task's stores: `store/key` and value, as hexadecimal digits. */
export type Rows = ReadonlyMap<string, string>

export interface TaskRows {
  /** How much of the changelog they have. */
  readonly offset: number
  readonly rows: Rows
  /** What the stores of numbers hold. */
  readonly numbers: ReadonlyMap<string, number>
}

/** What a member that has ended left of a task on its disk; `undefined` when there is nothing whole. */
export async function stateOf(
  directory: string,
  task: string,
  part: SubTopology,
  numbersIn: string | undefined,
): Promise<TaskRows | undefined> {
  const path = join(directory, 'tasks', task, 'state')
  if (!existsSync(path) || readdirSync(path).length === 0) return undefined
  const environment = openEnvironment(path, { durability: 'lazy', maxDatabases: 64 })
  try {
    const backend = createLmdbBackend(environment, 'task')
    const checkpoint = readCheckpoint(backend)
    if (checkpoint?.state !== 'whole') return undefined
    const rows = new Map<string, string>()
    const numbers = new Map<string, number>()
    for (const spec of part.stores) {
      const buffer = createWriteBuffer(spec.name, backend.rows(spec.name))
      for (const { key, value } of buffer.scan({ limit: Number.MAX_SAFE_INTEGER })) {
        rows.set(nameOf(spec.name, key), value.toString('hex'))
      }
      if (spec.name !== numbersIn) continue
      const store = spec.open({ rows: buffer, onFlush: () => {} }) as {
        all(): Iterable<{ readonly key: string; readonly value: number | { readonly value: number } }>
      }
      for (const { key, value } of store.all()) {
        numbers.set(key, typeof value === 'number' ? value : value.value)
      }
    }
    return { offset: checkpoint.offset, rows: sorted(rows), numbers }
  } finally {
    await environment.close()
  }
}

/** What compaction would leave of a changelog: the last record of each key, whoever wrote it. */
export function foldChangelog(records: readonly LogRecord[], part: SubTopology): Rows {
  const rows = new Map<string, string>()
  let ids: StoreIds = new Map()
  for (const record of records) if (kindOf(record) === 'identity') ids = decodeIdentity(record.value).ids
  const names = new Map([...ids].map(([name, id]) => [id, name]))
  const wanted = new Set(part.stores.map(({ name }) => name))
  for (const record of records) {
    if (kindOf(record) !== 'row') continue
    const { id, key } = decodeKey(keyOfBytes(record.key!))
    const store = names.get(id)
    if (store === undefined || !wanted.has(store)) continue
    if (record.value === undefined) rows.delete(nameOf(store, key))
    else rows.set(nameOf(store, key), record.value.toString('hex'))
  }
  return sorted(rows)
}

const nameOf = (store: string, key: string): string =>
  `${store}/${Buffer.from(key, 'latin1').toString('hex')}`
const sorted = (rows: ReadonlyMap<string, string>): Rows =>
  new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
