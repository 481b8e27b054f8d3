import type { StateBackend } from '../port.js'
import type { Database, Environment } from './environment.js'

const METADATA = 'metadata'

/**
 * The state of one task in an environment: a named database `<prefix>/<store>` for each store, and `<prefix>#meta`
 * for the metadata. A commit is one transaction by itself, and part of the enclosing one inside
 * `environment.transaction`; there the stores must have been opened before, with `rows`.
 */
export function createLmdbBackend(environment: Environment, prefix: string): StateBackend {
  const meta = environment.database(`${prefix}#meta`)
  const rows = (store: string): Database => environment.database(`${prefix}/${store}`)
  return {
    rows,
    metadata: () => meta.get(METADATA),
    commit(writes, metadata) {
      const changes = writes.map(({ store, writes: changed }) => ({ database: rows(store), changed }))
      environment.transaction(() => {
        for (const { database, changed } of changes) {
          for (const { key, value } of changed) {
            if (value === undefined) database.delete(key)
            else database.put(key, value)
          }
        }
        if (metadata !== undefined) meta.put(METADATA, metadata)
      })
    },
    wipe() {
      // Stores that the topology has no more too, or their rows would be back with the next store of that name.
      const stores = environment
        .databaseNames(`${prefix}/`)
        .filter((name) => !name.includes('/', prefix.length + 1))
        .map((name) => environment.database(name))
      environment.transaction(() => {
        for (const store of stores) store.clear()
        meta.clear()
      })
    },
    close() {},
  }
}
