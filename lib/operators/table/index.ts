import { lastHeader, type Record } from '../../core/record.js'
import { compareRevisions, REVISION_HEADERS } from '../../core/revision.js'
import type { StoreSpec } from '../../state/store.js'
import {
  type TimestampedKeyValueStore,
  timestampedKeyValueStore,
  type ValueAndTimestamp,
} from '../../state/stores/timestamped-key-value-store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'
import { presentRows } from '../lookup.js'
import { requireName, requirePartitioned, requireSerde } from '../place.js'

export interface TableOptions {
  readonly operator: string
  readonly prefix: string
  /** Names the store. */
  readonly name: string | undefined
  /** Whether the node has that name too, or a generated one. */
  readonly named: boolean
}

/**
 * The last value of each key of a stream, in a store. Records are applied in offset order, whatever their event
 * time, as Kafka Streams' unversioned tables do; except those of a revision log, of which the greatest revision
 * wins: a lesser one is counted as `stale-revision`. A tombstone deletes. A record without a key is dropped.
 */
export function table<K, V>(stream: StreamShape<K, V>, options: TableOptions): TableShape<K, V> {
  const { operator, prefix, named } = options
  const name = requireName(operator, options.name, stream.node)
  requirePartitioned(operator, name, stream)
  const key = requireSerde('key', stream.key, operator, name, stream.node)
  const value = requireSerde('value', stream.value, operator, name, stream.node)
  const store = timestampedKeyValueStore<K, V>(name, { key, value })
  const node = processorNode({
    operator,
    prefix,
    name: named ? name : undefined,
    parents: [stream.node],
    stores: [store],
    relays: true,
    copartitioned: true,
    create: ({ emit, drop, store: open }): Processor<K, V | undefined> => {
      const rows = open(store as StoreSpec<TimestampedKeyValueStore<K, V | undefined>>)
      return {
        process: ({ key: k, value: newValue, timestamp, headers }: Record<K, V | undefined>) => {
          if (k === undefined || k === null) return drop('null-key')
          const revision = lastHeader(headers, REVISION_HEADERS.revision)
          const old = rows.get(k)
          if (isStale(old, revision)) return drop('stale-revision', { deadLetter: false })
          // A deleted answer keeps its revision, or an older one that comes again would bring it back.
          if (newValue === undefined && revision === undefined) rows.delete(k)
          else rows.put(k, { value: newValue, timestamp, revision })
          emit({ key: k, value: { newValue, oldValue: old?.value }, timestamp, headers })
        },
      }
    },
  })
  return { node, key, value, partitioned: true, lookup: presentRows(store) }
}

/** Equal revisions have equal values, so a repeated one is applied again without harm. */
function isStale(old: ValueAndTimestamp<unknown> | undefined, revision: Buffer | undefined): boolean {
  if (old?.revision === undefined || revision === undefined) return false
  return compareRevisions(revision, old.revision) < 0
}
