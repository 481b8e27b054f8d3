import type { Duration } from '../../core/duration.js'
import { RevlogError } from '../../core/errors.js'
import { lastHeader, type Record } from '../../core/record.js'
import { REVISION_HEADERS } from '../../core/revision.js'
import { versionedStore } from '../../state/stores/versioned-store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'
import { pastRows } from '../lookup.js'
import { requireName, requirePartitioned, requireSerde } from '../place.js'
import type { TableOptions } from '../table/index.js'

export interface VersionedTableOptions extends TableOptions {
  readonly historyRetention: Duration
}

/**
 * Every version of each key of a stream, by event time, as far back as `historyRetention` reaches: Kafka Streams'
 * versioned table (KIP-889, KIP-914). A join looks rows up as of its records' time.
 *
 * A version that comes out of order is kept and passed on as `outdated`, so that aggregates leave it out; one that
 * is older than history reaches is counted as `history-expired`. The old value of a change is the latest one.
 */
export function versionedTable<K, V>(
  stream: StreamShape<K, V>,
  options: VersionedTableOptions,
): TableShape<K, V> {
  const { operator, prefix, named, historyRetention } = options
  const name = requireName(operator, options.name, stream.node)
  requirePartitioned(operator, name, stream)
  const key = requireSerde('key', stream.key, operator, name, stream.node)
  const value = requireSerde('value', stream.value, operator, name, stream.node)
  const store = versionedStore<K, V>(name, { key, value, historyRetention })
  const node = processorNode({
    operator,
    prefix,
    name: named ? name : undefined,
    parents: [stream.node],
    stores: [store],
    relays: true,
    copartitioned: true,
    create: ({ emit, drop, store: open }): Processor<K, V | undefined> => {
      const versions = open(store)
      return {
        process: ({ key: k, value: newValue, timestamp, headers }: Record<K, V | undefined>) => {
          if (k === undefined || k === null) return drop('null-key')
          if (lastHeader(headers, REVISION_HEADERS.revision) !== undefined) throw revisionLog(name)
          const oldValue = versions.get(k)?.value
          const put = versions.put(k, newValue, timestamp)
          if (put === 'expired') return drop('history-expired')
          const change =
            put === 'latest' ? { newValue, oldValue } : { newValue, oldValue, outdated: true as const }
          emit({ key: k, value: change, timestamp, headers })
        },
      }
    },
  })
  return { node, key, value, partitioned: true, lookup: pastRows(store) }
}

/** Revisions of one answer have one event time, and no order but that of their numbers, which history has no place for. */
function revisionLog(name: string): RevlogError {
  return new RevlogError(
    'E_VERSIONED_REVISIONS',
    `table '${name}' keeps history and its topic is a revision log`,
    {
      remedy: 'leave versioned out: a revision log is read as the table of its last revisions',
    },
  )
}
