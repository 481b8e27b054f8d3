import type { BinaryKey } from '../../core/binary-key.js'
import { createOrderedKeys, type OrderedKeys } from '../ordered-keys.js'
import type { CommittedRows, Row, StateBackend } from '../port.js'

interface MemoryRows extends CommittedRows {
  readonly set: (key: BinaryKey, value: Buffer | undefined) => void
}

/** State in memory: for tests, and for topologies whose state may be rebuilt. */
export function createMemoryBackend(): StateBackend {
  let stores = new Map<string, MemoryRows>()
  let metadata: Buffer | undefined
  const storeOf = (name: string): MemoryRows => {
    const known = stores.get(name)
    if (known !== undefined) return known
    const made = createMemoryRows()
    stores.set(name, made)
    return made
  }
  return {
    rows: (store) => ({
      get: (key) => storeOf(store).get(key),
      scan: (scan) => storeOf(store).scan(scan),
    }),
    metadata: () => metadata,
    commit(writes, next) {
      for (const { store, writes: changed } of writes) {
        const rows = storeOf(store)
        for (const { key, value } of changed) rows.set(key, value)
      }
      metadata = next ?? metadata
    },
    wipe() {
      stores = new Map()
      metadata = undefined
    },
    close() {},
  }
}

function createMemoryRows(): MemoryRows {
  const values = new Map<BinaryKey, Buffer>()
  let order: OrderedKeys | undefined
  return {
    get: (key) => values.get(key),
    set(key, value) {
      if (value === undefined) {
        values.delete(key)
        order?.delete(key)
      } else {
        if (order !== undefined && !values.has(key)) order.add(key)
        values.set(key, value)
      }
    },
    scan(scan) {
      order ??= createOrderedKeys(values.keys())
      const found: Row[] = []
      if (scan.limit <= 0) return found
      for (let key = order.first(scan); key !== undefined; key = order.next(scan, key)) {
        found.push({ key, value: values.get(key)! })
        if (found.length >= scan.limit) break
      }
      return found
    },
  }
}
