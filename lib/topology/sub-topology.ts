import { Map as ImmutableMap, type List, OrderedMap, OrderedSet } from 'immutable'
import type { StoreSpec } from '../state/store.js'
import type {
  ProcessorNode,
  RepartitionNode,
  SinkNode,
  SourceNode,
  StreamNode,
  TopologyNode,
} from './node.js'
import { repartitionTopic } from './repartition-topic.js'
import type { SourceTopic } from './topic.js'

/** A topic that a sub-topology reads, and the nodes that its records enter. */
export interface Input {
  readonly topic: SourceTopic<any, any>
  /** A repartition topic of the application's own. */
  readonly internal: boolean
  readonly entries: readonly (SourceNode | RepartitionNode)[]
}

/** A topic that a sub-topology writes. */
export interface Output {
  readonly topic: string
  readonly internal: boolean
}

/**
 * The part of a topology between repartition topics: what one task runs. It reads a repartition topic as an
 * input and writes one as an output, so one `RepartitionNode` ends one sub-topology and begins another.
 */
export interface SubTopology {
  readonly id: number
  /** The application's name. */
  readonly application: string
  readonly inputs: readonly Input[]
  /** Processors and sinks in topological order. */
  readonly nodes: readonly (ProcessorNode | SinkNode)[]
  /** Repartition topics that this part writes. */
  readonly exits: readonly RepartitionNode[]
  readonly outputs: readonly Output[]
  readonly stores: readonly StoreSpec<any>[]
  readonly names: ImmutableMap<TopologyNode, string>
  /** Where the records of a node go inside this part, in topological order. */
  readonly edges: ImmutableMap<TopologyNode, readonly Edge[]>
}

export interface Edge {
  readonly child: ProcessorNode | SinkNode | RepartitionNode
  /** Which of the child's inputs this parent is. */
  readonly input: number
}

/** Nodes that are connected without a repartition topic between, or that share a store or an input topic, run together. */
export function cutSubTopologies(
  application: string,
  nodes: List<TopologyNode>,
  names: ImmutableMap<TopologyNode, string>,
): List<SubTopology> {
  const groups = new Groups()
  // A repartition node is two things: `exit` where its records are written, `node` where they are read.
  const exits = new Map<RepartitionNode, object>()
  const exitOf = (node: RepartitionNode): object => {
    const known = exits.get(node)
    if (known !== undefined) return known
    const made = { exit: node.name }
    exits.set(node, made)
    return made
  }
  const topics = new Map<string, object>()
  const stores = new Map<StoreSpec<any>, object>()
  for (const node of nodes) {
    const here: object = node.kind === 'repartition' ? exitOf(node) : node
    groups.add(here)
    if (node.kind === 'repartition') groups.add(node)
    for (const parent of node.parents) groups.join(here, parent)
    if (node.kind === 'source') joinOnce(groups, topics, node.topic.name, node)
    if (node.kind === 'processor') for (const store of node.stores) joinOnce(groups, stores, store, node)
  }
  const order = OrderedSet(nodes.map((node) => groups.of(node.kind === 'repartition' ? exitOf(node) : node)))
  return order.toList().map((group, id) => {
    const inside = (item: object): boolean => groups.of(item) === group
    return part(
      id,
      application,
      names,
      nodes.filter((n) => (n.kind === 'source' || n.kind === 'repartition') && inside(n)) as List<
        SourceNode | RepartitionNode
      >,
      nodes.filter((n) => (n.kind === 'processor' || n.kind === 'sink') && inside(n)) as List<
        ProcessorNode | SinkNode
      >,
      nodes.filter((n) => n.kind === 'repartition' && inside(exitOf(n))) as List<RepartitionNode>,
    )
  })
}

function part(
  id: number,
  application: string,
  names: ImmutableMap<TopologyNode, string>,
  entries: List<SourceNode | RepartitionNode>,
  nodes: List<ProcessorNode | SinkNode>,
  exits: List<RepartitionNode>,
): SubTopology {
  const inputs = entries.reduce((map, entry) => {
    const topic = topicOfEntry(application, entry)
    return map.update(topic.name, (input) => ({
      topic,
      internal: entry.kind === 'repartition',
      entries: [...(input?.entries ?? []), entry],
    }))
  }, OrderedMap<string, Input>())
  const edges = ImmutableMap<TopologyNode, readonly Edge[]>().withMutations((map) => {
    for (const child of [...nodes, ...exits]) {
      child.parents.forEach((parent: StreamNode, input) => {
        if (child.kind === 'processor' && child.lookups.includes(input)) return
        map.update(parent, (known = []) => [...known, { child, input }])
      })
    }
  })
  const outputs = OrderedMap<string, Output>([
    ...nodes
      .filter((n) => n.kind === 'sink')
      .map((n): [string, Output] => [n.topic.name, { topic: n.topic.name, internal: false }]),
    ...exits.map((n): [string, Output] => {
      const topic = repartitionTopic(application, n.name)
      return [topic, { topic, internal: true }]
    }),
  ])
  return Object.freeze({
    id,
    application,
    inputs: Object.freeze([...inputs.values()]),
    nodes: Object.freeze([...nodes]),
    exits: Object.freeze([...exits]),
    outputs: Object.freeze([...outputs.values()]),
    stores: Object.freeze([...OrderedSet(nodes.flatMap((n) => (n.kind === 'processor' ? n.stores : [])))]),
    names,
    edges,
  })
}

function topicOfEntry(application: string, entry: SourceNode | RepartitionNode): SourceTopic<any, any> {
  if (entry.kind === 'source') return entry.topic
  return {
    name: repartitionTopic(application, entry.name),
    key: entry.key,
    value: entry.value,
    timestamp: undefined,
  }
}

function joinOnce<K>(groups: Groups, known: Map<K, object>, key: K, node: object): void {
  const other = known.get(key)
  if (other === undefined) known.set(key, node)
  else groups.join(other, node)
}

/** Union-find over objects. */
class Groups {
  readonly #parent = new Map<object, object>()

  add(item: object): void {
    if (!this.#parent.has(item)) this.#parent.set(item, item)
  }

  of(item: object): object {
    let root = item
    for (let up = this.#parent.get(root); up !== undefined && up !== root; up = this.#parent.get(root))
      root = up
    return root
  }

  join(a: object, b: object): void {
    this.add(a)
    this.add(b)
    this.#parent.set(this.of(b), this.of(a))
  }
}
