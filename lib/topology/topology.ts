import { Map as ImmutableMap, List, OrderedSet } from 'immutable'
import { RevlogError } from '../core/errors.js'
import type { StoreSpec } from '../state/store.js'
import { assignNames } from './names.js'
import type { ProcessorNode, SinkNode, TopologyNode } from './node.js'
import { cutSubTopologies, type SubTopology } from './sub-topology.js'
import { checkTopicName } from './topic.js'
import { validate } from './validate.js'

/** What a sink is to the caller of {@link topology}: the result of `to` or `forEach`. */
export interface Sink {
  readonly node: SinkNode | ProcessorNode
}

/**
 * A whole application as a value: everything that its sinks can reach, with each node named and the graph cut
 * into sub-topologies at its repartition topics. Made by {@link topology}.
 */
export interface Topology {
  readonly name: string
  /** In topological order: parents before children, the first sink's ancestors first. */
  readonly nodes: List<TopologyNode>
  /** The name of each node, given or generated in Kafka Streams' format. */
  readonly names: ImmutableMap<TopologyNode, string>
  readonly children: ImmutableMap<TopologyNode, List<TopologyNode>>
  readonly subTopologies: List<SubTopology>
}

/**
 * A topology is what its sinks reach. It is a value: frozen, without side effects, the same whenever it is made.
 *
 * @param name names the application: its repartition and changelog topics, its state directory.
 * @throws RevlogError with the operator and the remedy, for everything about the topology that types cannot catch:
 *   `E_TOPOLOGY_EMPTY`, `E_NAME`, `E_NAME_TAKEN`, `E_TOPIC_CONFLICT`, `E_TOPIC_LOOP`. What one step can see is thrown by
 *   that step: `E_STORE_UNNAMED`, `E_SERDE_UNKNOWN`, `E_NOT_PARTITIONED` …
 * @example
 * export default topology('consultants', [advised.toStream().to(advice)])
 */
export function topology(name: string, sinks: readonly Sink[]): Topology {
  checkTopicName(name)
  if (sinks.length === 0) {
    throw new RevlogError('E_TOPOLOGY_EMPTY', `topology ${name} has no sink, so it does nothing`, {
      remedy: 'pass what .to(topic) or .forEach(fn) returned: topology(name, [stream.to(topic)])',
    })
  }
  const nodes = reach(sinks.map((sink) => sink.node))
  validate(name, nodes)
  const children = childrenOf(nodes)
  const names = assignNames(nodes)
  return Object.freeze({
    name,
    nodes,
    names,
    children,
    subTopologies: cutSubTopologies(name, nodes, names),
  })
}

/** Depth first from the sinks, parents before children. */
function reach(ends: readonly TopologyNode[]): List<TopologyNode> {
  const visit = (seen: OrderedSet<TopologyNode>, node: TopologyNode): OrderedSet<TopologyNode> => {
    if (seen.has(node)) return seen
    return node.parents.reduce<OrderedSet<TopologyNode>>(visit, seen).add(node)
  }
  return ends.reduce(visit, OrderedSet<TopologyNode>()).toList()
}

function childrenOf(nodes: List<TopologyNode>): ImmutableMap<TopologyNode, List<TopologyNode>> {
  return nodes.reduce(
    (map, node) =>
      OrderedSet<TopologyNode>(node.parents).reduce(
        (m, parent) => m.update(parent, List<TopologyNode>(), (list) => list.push(node)),
        map,
      ),
    ImmutableMap<TopologyNode, List<TopologyNode>>(),
  )
}

/** Every store of the topology, each once. */
export const storesOf = (t: Topology): OrderedSet<StoreSpec<any>> =>
  t.nodes.toOrderedSet().flatMap((node) => (node.kind === 'processor' ? node.stores : []))

/** The topics that a topology reads from outside. */
export const sourceTopicsOf = (t: Topology): OrderedSet<string> =>
  t.nodes.toOrderedSet().flatMap((node) => (node.kind === 'source' ? [node.topic.name] : []))

/** The topics that a topology writes for others. */
export const sinkTopicsOf = (t: Topology): OrderedSet<string> =>
  t.nodes.toOrderedSet().flatMap((node) => (node.kind === 'sink' ? [node.topic.name] : []))
