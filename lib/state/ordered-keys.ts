import SortedBTree from 'sorted-btree'
import type { BinaryKey } from '../core/binary-key.js'
import type { Scan } from './port.js'

/** Keys in byte order, beside a hash map that holds their values. */
export interface OrderedKeys {
  readonly add: (key: BinaryKey) => void
  readonly delete: (key: BinaryKey) => void
  /** The first key of a stretch, the last one in reverse. Keys may be added and deleted between the calls. */
  readonly first: (stretch: Omit<Scan, 'limit'>) => BinaryKey | undefined
  /** The key of the stretch after `key`, before it in reverse. */
  readonly next: (stretch: Omit<Scan, 'limit'>, key: BinaryKey) => BinaryKey | undefined
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
  const within = ({ from, to, reverse }: Omit<Scan, 'limit'>, key: BinaryKey | undefined) => {
    if (key === undefined) return undefined
    const outside = reverse ? from !== undefined && key < from : to !== undefined && key >= to
    return outside ? undefined : key
  }
  return {
    add: (key) => {
      tree.set(key, undefined)
    },
    delete: (key) => {
      tree.delete(key)
    },
    first(stretch) {
      const { from, to, reverse } = stretch
      if (reverse) return within(stretch, to === undefined ? tree.maxKey() : tree.nextLowerKey(to))
      return within(stretch, from === undefined ? tree.minKey() : tree.getPairOrNextHigher(from)?.[0])
    },
    next: (stretch, key) =>
      within(stretch, stretch.reverse ? tree.nextLowerKey(key) : tree.nextHigherKey(key)),
  }
}
