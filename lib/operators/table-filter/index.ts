import type { Change, Record } from '../../core/record.js'
import type { Serde } from '../../serdes/serde.js'
import { processorNode } from '../../topology/node.js'
import type { Processor } from '../../topology/processor.js'
import type { TableShape } from '../../topology/stream.js'
import type { Predicate } from '../filter/index.js'

/** Applies a function to both values of each change; what was and is absent is not passed on. */
function mapChanges<K, V, W>(
  table: TableShape<K, V>,
  map: (value: V, key: K) => W | undefined,
  node: { readonly operator: string; readonly prefix: string; readonly name: string | undefined },
) {
  return processorNode({
    ...node,
    parents: [table.node],
    create: ({ emit }): Processor<K, Change<V>> => ({
      process: ({ key, value: change, timestamp, headers }: Record<K, Change<V>>) => {
        const oldValue = change.oldValue === undefined ? undefined : map(change.oldValue, key)
        const newValue = change.newValue === undefined ? undefined : map(change.newValue, key)
        if (oldValue === undefined && newValue === undefined) return
        emit({ key, value: { newValue, oldValue }, timestamp, headers })
      },
    }),
  })
}

/** A row that no longer passes is deleted from the result; one that never passed never was in it. */
export function tableFilter<K, V>(
  table: TableShape<K, V>,
  predicate: Predicate<K, V>,
  { name, negate }: { readonly name?: string | undefined; readonly negate: boolean },
): TableShape<K, V> {
  const node = mapChanges(table, (value, key) => (predicate(value, key) !== negate ? value : undefined), {
    operator: negate ? 'filterNot' : 'filter',
    prefix: 'KTABLE-FILTER',
    name,
  })
  return { ...table, node, store: undefined }
}

/** The mapper is called for the old value too, so it must be pure. */
export function tableMapValues<K, V, W>(
  table: TableShape<K, V>,
  mapper: (value: V, key: K) => W,
  { name, value }: { readonly name?: string | undefined; readonly value?: Serde<any, W> | undefined },
): TableShape<K, W> {
  const node = mapChanges(table, mapper, { operator: 'mapValues', prefix: 'KTABLE-MAPVALUES', name })
  return { node, key: table.key, value, partitioned: table.partitioned, store: undefined }
}
