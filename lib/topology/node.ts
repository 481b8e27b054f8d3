import type { AnySerde } from '../serdes/serde.js'
import type { StoreSpec } from '../state/store.js'
import type { ProcessorFactory } from './processor.js'
import type { SinkTopic, SourceTopic } from './topic.js'

/**
 * A node of the description: frozen, knows its parents, knows nothing of its children. What a node does at run
 * time it carries along as a factory, so no part of revlog has a list of operators.
 */
export type TopologyNode = SourceNode | ProcessorNode | RepartitionNode | SinkNode

/** A node that others can derive from. */
export type StreamNode = SourceNode | ProcessorNode | RepartitionNode

export interface SourceNode {
  readonly kind: 'source'
  readonly name: string | undefined
  readonly topic: SourceTopic<any, any>
  readonly parents: readonly []
}

export interface ProcessorNode {
  readonly kind: 'processor'
  /** What the user wrote, for messages: `mapValues`, `asOfJoin`. */
  readonly operator: string
  /** Kafka Streams' prefix of generated names, for `describe()`: `KSTREAM-MAPVALUES`. */
  readonly prefix: string
  readonly name: string | undefined
  readonly parents: readonly StreamNode[]
  /** Which parents, by index, it only looks things up in: it takes none of their records. */
  readonly lookups: readonly number[]
  readonly stores: readonly StoreSpec<any>[]
  /**
   * How many records one input record can become: at most `one`, `many`, or `detached` when records also come
   * from punctuations and so belong to no input record.
   */
  readonly yields: 'one' | 'many' | 'detached'
  /** Whether every record becomes another, so that a topic which is written back to itself would never come to rest. */
  readonly relays: boolean
  /** Which parents must have equal numbers of partitions, being read by the same key. */
  readonly copartitioned: boolean
  /** How old a record can be, against the newest, and still change an answer; in milliseconds of event time. Nobody knows when absent. */
  readonly historyMs?: number
  readonly create: ProcessorFactory
  /** What is wrong with this node's place in a topology, thrown by `topology()`. */
  readonly validate?: (node: ProcessorNode) => void
}

/** A topic of the application's own, through which records reach the partition of their key. Cuts sub-topologies. */
export interface RepartitionNode {
  readonly kind: 'repartition'
  /** `<application>-<name>-repartition` is the topic's name. */
  readonly name: string
  readonly parents: readonly [StreamNode]
  readonly key: AnySerde
  readonly value: AnySerde
  /** Number of partitions; as many as the greatest of the sources above when absent. */
  readonly partitions: number | undefined
}

export interface SinkNode {
  readonly kind: 'sink'
  readonly name: string | undefined
  readonly parents: readonly [StreamNode]
  readonly topic: SinkTopic<any, any>
}

export interface ProcessorNodeOptions {
  readonly operator: string
  readonly prefix: string
  readonly name?: string | undefined
  readonly parents: readonly StreamNode[]
  readonly lookups?: readonly number[]
  readonly stores?: readonly StoreSpec<any>[]
  readonly yields?: ProcessorNode['yields']
  readonly relays?: boolean
  readonly copartitioned?: boolean
  readonly historyMs?: number
  readonly create: ProcessorFactory
  readonly validate?: (node: ProcessorNode) => void
}

export function processorNode(options: ProcessorNodeOptions): ProcessorNode {
  const {
    operator,
    prefix,
    name,
    parents,
    lookups = [],
    stores = [],
    yields = 'one',
    relays = false,
    copartitioned = false,
    historyMs,
    create,
    validate,
  } = options
  return Object.freeze({
    kind: 'processor',
    operator,
    prefix,
    name,
    parents: Object.freeze([...parents]),
    lookups: Object.freeze([...lookups]),
    stores: Object.freeze([...stores]),
    yields,
    relays,
    copartitioned,
    ...(historyMs === undefined ? {} : { historyMs }),
    create,
    ...(validate === undefined ? {} : { validate }),
  })
}
