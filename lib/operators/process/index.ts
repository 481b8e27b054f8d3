import { RevlogError } from '../../core/errors.js'
import { withoutRevision } from '../../core/headers.js'
import type { Record } from '../../core/record.js'
import type { Serde } from '../../serdes/serde.js'
import type { StoreSpec } from '../../state/store.js'
import { processorNode } from '../../topology/node.js'
import type { Processor, ProcessorContext } from '../../topology/processor.js'
import type { StreamShape } from '../../topology/stream.js'

/** Store specs by the names that the processor uses. */
export interface StoreSpecs {
  readonly [name: string]: StoreSpec<any>
}

/** The open stores of `S`, by the same names. */
export type OpenStores<S extends StoreSpecs> = {
  readonly [N in keyof S]: S[N] extends StoreSpec<infer O> ? O : never
}

/** What a user's processor gets. Emitting a record with the value `undefined` is a tombstone. */
export interface ProcessContext<S extends StoreSpecs, K, V>
  extends Omit<ProcessorContext<K, V | undefined>, 'store'> {
  readonly stores: OpenStores<S>
}

export interface ProcessOptions<S extends StoreSpecs, K, V, KOut, VOut> {
  readonly name?: string
  /** Stores by the names that `create` finds them under; a store value given to several processors is shared. */
  readonly stores?: S
  /** The serde of what is emitted, for the steps after it; it also says its type. */
  readonly key?: Serde<any, KOut>
  readonly value?: Serde<any, VOut>
  /** Called once for each task, when its stores are open. */
  readonly create: (context: ProcessContext<S, KOut, VOut>) => Processor<K, V | undefined>
}

/** The Processor API. */
export function process<K, V, S extends StoreSpecs, KOut, VOut>(
  stream: StreamShape<K, V>,
  options: ProcessOptions<S, K, V, KOut, VOut>,
): StreamShape<KOut, VOut> {
  const node = userNode('process', stream, options, options.create)
  return { node, key: options.key, value: options.value, partitioned: false }
}

/** The Processor API for processors that keep the key, so that no repartition is needed after them. */
export function processValues<K, V, S extends StoreSpecs, VOut>(
  stream: StreamShape<K, V>,
  options: Omit<ProcessOptions<S, K, V, K, VOut>, 'key'>,
): StreamShape<K, VOut> {
  const node = userNode('processValues', stream, options, (context: ProcessContext<S, K, VOut>) => {
    let key: K | undefined
    const emit = (record: Record<K, VOut | undefined>): void => {
      if (record.key !== key) throw keyChanged()
      context.emit(record)
    }
    const processor = options.create({ ...context, emit })
    return {
      ...processor,
      process: (record: Record<K, V | undefined>) => {
        key = record.key
        processor.process(record)
        key = undefined
      },
    }
  })
  return { node, key: stream.key, value: options.value, partitioned: stream.partitioned }
}

function userNode<K, V, S extends StoreSpecs, KOut, VOut>(
  operator: string,
  stream: StreamShape<K, V>,
  { name, stores }: { readonly name?: string; readonly stores?: S },
  create: (context: ProcessContext<S, KOut, VOut>) => Processor<K, V | undefined>,
) {
  const specs = Object.entries(stores ?? {})
  return processorNode({
    operator,
    prefix: operator === 'process' ? 'KSTREAM-PROCESSOR' : 'KSTREAM-PROCESSVALUES',
    name,
    parents: [stream.node],
    stores: specs.map(([, spec]) => spec),
    yields: 'detached',
    create: ({ store, emit, ...context }) =>
      create({
        ...context,
        emit: (record) => {
          const headers = withoutRevision(record.headers)
          emit(headers === record.headers ? record : { ...record, headers })
        },
        stores: Object.fromEntries(specs.map(([n, spec]) => [n, store(spec)])) as OpenStores<S>,
      }),
  })
}

function keyChanged(): RevlogError {
  return new RevlogError(
    'E_KEY_CHANGED',
    'processValues emitted a record with another key than the one it was given',
    {
      remedy:
        'use process, and repartition after it; or emit while the record of that key is being processed',
    },
  )
}
