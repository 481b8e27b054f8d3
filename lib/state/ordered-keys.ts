import SortedBTree from 'sorted-btree'
import type { BinaryKey } from '../core/binary-key.js'
import type { Scan } from './port.js'

/** Keys in byte order, beside a hash map that holds their values. */
export interface OrderedKeys {
  readonly add: (key: BinaryKey) => void
  readonly delete: (key: BinaryKey) => void
  /** The keys of a stretch; keys may be added and deleted while it is walked. */
  readonly keys: (scan: Omit<Scan, 'limit'>) => Generator<BinaryKey>
}

export const compareKeys = (a: BinaryKey, b: BinaryKey): number => (a < b ? -1 : a > b ? 1 : 0)

// A CommonJS package: what `default` is depends on who loads it.
const BTree = (SortedBTree as unknown as { default?: unknown }).default ?? SortedBTree
const newTree = (keys: Iterable<BinaryKey>) => {
  const tree = new (BTree as typeof SortedBTree.default)<BinaryKey, undefined>(undefined, compareKeys)
  for (const key of keys) tree.set(key, undefined)
  return tree
}

export function createOrderedKeys(initial: Iterable<BinaryKey>): OrderedKeys {
  const tree = newTree(initial)
  const first = ({ from, to, reverse = false }: Omit<Scan, 'limit'>): BinaryKey | undefined => {
    if (reverse) return to === undefined ? tree.maxKey() : tree.nextLowerKey(to)
    if (from === undefined) return tree.minKey()
    return tree.has(from) ? from : tree.nextHigherKey(from)
  }
  return {
    add: (key) => {
      tree.set(key, undefined)
    },
    delete: (key) => {
      tree.delete(key)
    },
    *keys(scan) {
      const { from, to, reverse = false } = scan
      for (
        let key = first(scan);
        key !== undefined;
        key = reverse ? tree.nextLowerKey(key) : tree.nextHigherKey(key)
      ) {
        if (reverse ? from !== undefined && key < from : to !== undefined && key >= to) return
        yield key
      }
    },
  }
}
