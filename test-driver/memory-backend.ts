import SortedBTree from 'sorted-btree'
import type { BinaryKey } from '../lib/core/binary-key.js'
import type { CommittedRows, Row, Scan, StateBackend } from '../lib/state/port.js'

const BTree = ((SortedBTree as unknown as { default?: unknown }).default ??
  SortedBTree) as unknown as typeof SortedBTree.default
type Tree = InstanceType<typeof BTree<BinaryKey, Buffer>>

const compare = (a: BinaryKey, b: BinaryKey): number => (a < b ? -1 : a > b ? 1 : 0)

/** The committed state of one task, in memory. */
export function createMemoryBackend(): StateBackend {
  let stores = new Map<string, Tree>()
  let metadata: Buffer | undefined
  const treeOf = (store: string): Tree => {
    const known = stores.get(store)
    if (known !== undefined) return known
    const made = new BTree<BinaryKey, Buffer>(undefined, compare)
    stores.set(store, made)
    return made
  }
  return {
    rows: (store): CommittedRows => ({
      get: (key) => treeOf(store).get(key),
      scan: (scan) => scanTree(treeOf(store), scan),
    }),
    metadata: () => metadata,
    commit(writes, next) {
      for (const { store, writes: changed } of writes) {
        const tree = treeOf(store)
        for (const { key, value } of changed) {
          if (value === undefined) tree.delete(key)
          else tree.set(key, value)
        }
      }
      metadata = next
    },
    wipe() {
      stores = new Map()
      metadata = undefined
    },
    close() {},
  }
}

function scanTree(tree: Tree, { from, to, reverse = false, limit }: Scan): Row[] {
  const found: Row[] = []
  if (reverse) {
    let pair = to === undefined ? tree.entriesReversed().next().value : tree.nextLowerPair(to)
    while (pair !== undefined && found.length < limit && (from === undefined || pair[0] >= from)) {
      found.push({ key: pair[0], value: pair[1] })
      pair = tree.nextLowerPair(pair[0])
    }
    return found
  }
  for (const [key, value] of tree.entries(from)) {
    if (found.length >= limit || (to !== undefined && key >= to)) break
    found.push({ key, value })
  }
  return found
}
