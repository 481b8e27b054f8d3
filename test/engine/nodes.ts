import { int64, string } from '../../lib/serdes/primitives.js'
import type { StoreSpec } from '../../lib/state/store.js'
import type { BufferedRows } from '../../lib/state/write-buffer.js'
import {
  type ProcessorNode,
  type ProcessorNodeOptions,
  processorNode,
  type RepartitionNode,
  type SinkNode,
  type SourceNode,
  type StreamNode,
} from '../../lib/topology/node.js'
import type { ProcessorContext, ProcessorFactory } from '../../lib/topology/processor.js'
import type { SinkTopic, SourceTopic } from '../../lib/topology/topic.js'

/** Descriptions as operators make them, for tests of the engine, which knows no operator. */
export const source = (topic: SourceTopic<any, any>): SourceNode => ({
  kind: 'source',
  name: undefined,
  topic,
  parents: [],
})

export const sink = (parent: StreamNode, topic: SinkTopic<any, any>): { readonly node: SinkNode } => ({
  node: { kind: 'sink', name: undefined, parents: [parent], topic },
})

export const repartition = (
  parent: StreamNode,
  name: string,
  options: Partial<Pick<RepartitionNode, 'key' | 'value' | 'partitions'>> = {},
): RepartitionNode => ({
  kind: 'repartition',
  name,
  parents: [parent],
  key: string(),
  value: string(),
  partitions: undefined,
  ...options,
})

export const processor = (
  name: string,
  parents: readonly StreamNode[],
  create: ProcessorFactory,
  options: Partial<ProcessorNodeOptions> = {},
): ProcessorNode =>
  processorNode({ operator: 'process', prefix: 'KSTREAM-PROCESSOR', name, parents, create, ...options })

/** Sends on what a function makes of each value. */
export const mapped = (
  name: string,
  parent: StreamNode,
  map: (value: any, key: any) => unknown,
): ProcessorNode =>
  processor(name, [parent], ({ emit }: ProcessorContext) => ({
    process: (record) => emit({ ...record, value: map(record.value, record.key) }),
  }))

export const join = (name: string, parents: readonly StreamNode[]): ProcessorNode =>
  processor(
    name,
    parents,
    ({ emit }) => ({
      inputs: parents.map(() => emit),
    }),
    { operator: 'join', copartitioned: true },
  )

/** A store of bare rows. */
export const rowStore = (name: string): StoreSpec<BufferedRows> => ({
  name,
  type: 'rows',
  fingerprint: 'bytes',
  open: ({ rows }) => rows,
})

/** Counts records by key in a store. */
export const counted = (name: string, parent: StreamNode): ProcessorNode => {
  const spec = rowStore(name)
  return processor(
    name,
    [parent],
    ({ store, emit }) => {
      const rows = store(spec)
      return {
        process(record) {
          const before = rows.get(record.key)
          const count = (before === undefined ? 0 : int64().decode(before)) + 1
          rows.put(record.key, int64().encode(count))
          emit({ ...record, value: count })
        },
      }
    },
    { stores: [spec] },
  )
}
