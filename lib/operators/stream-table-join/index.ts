import { withoutRevision } from '../../core/headers.js'
import type { Record } from '../../core/record.js'
import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'
import { materialize } from '../materialize/index.js'
import { requireName, requirePartitioned } from '../place.js'

/**
 * Each record of a stream with the row that its key has in a table now, in the order of processing; of a table
 * with history, with the row as of the record's event time. The table answers and never asks: its changes emit
 * nothing. For answers that correct themselves see `asOfJoin`.
 *
 * A record without a key has no row: dropped by an inner join, joined with `undefined` by a left one; one without
 * a value is dropped. Event time is the stream record's.
 */
export function streamTableJoin<K, V, T, Out>(
  stream: StreamShape<K, V>,
  table: TableShape<K, T>,
  joiner: (value: V, row: T | undefined, key: K) => Out,
  options: {
    readonly how: 'inner' | 'left'
    readonly name: string | undefined
    readonly value?: Serde<any, Out> | undefined
  },
): StreamShape<K, Out> {
  const { how } = options
  const operator = how === 'inner' ? 'join' : 'leftJoin'
  const name = requireName(operator, options.name, stream.node)
  requirePartitioned(operator, name, stream)
  requirePartitioned(operator, name, table)
  const right = materialize(table, `${name}-table`)
  const node = processorNode({
    operator,
    prefix: how === 'inner' ? 'KSTREAM-JOIN' : 'KSTREAM-LEFTJOIN',
    name,
    parents: [stream.node, right.node],
    lookups: [1],
    stores: [right.lookup.store],
    copartitioned: true,
    create: ({ emit, drop, store }) => {
      const rowOf = right.lookup.open(store(right.lookup.store))
      const join = ({ key, value, timestamp, headers }: Record<K, V | undefined>) => {
        if (value === undefined) return drop('null-value')
        const keyless = key === undefined || key === null
        if (keyless && how === 'inner') return drop('null-key')
        const row = keyless ? undefined : rowOf(key, timestamp)
        if (row === undefined && how === 'inner') return
        emit({ key, value: joiner(value, row, key), timestamp, headers: withoutRevision(headers) })
      }
      return { inputs: [join, ignore] }
    },
  })
  return { node, key: stream.key, value: options.value, partitioned: true }
}

const ignore = (): void => {}
