import type { StateBackend } from '../port.js'
import type { Environment } from './environment.js'

const METADATA = 'metadata'

/** The state of one task in an environment: a named database for each store, and one for the metadata. */
export function createLmdbBackend(environment: Environment, prefix: string): StateBackend {
  const meta = environment.database(`${prefix}#meta`)
  const names = new Set<string>()
  const rows = (store: string) => {
    names.add(store)
    return environment.database(`${prefix}/${store}`)
  }
  return {
    rows,
    metadata: () => meta.get(METADATA),
    commit(writes, metadata) {
      environment.transaction(() => {
        for (const { store, writes: changed } of writes) {
          const database = rows(store)
          for (const { key, value } of changed) {
            if (value === undefined) database.delete(key)
            else database.put(key, value)
          }
        }
        if (metadata !== undefined) meta.put(METADATA, metadata)
      })
    },
    wipe() {
      environment.transaction(() => {
        for (const name of names) rows(name).clear()
        meta.clear()
      })
    },
    close() {},
  }
}
