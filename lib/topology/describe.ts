import { List } from 'immutable'
import { match } from 'ts-pattern'
import type { TopologyNode } from './node.js'
import { repartitionTopic } from './repartition-topic.js'
import type { SubTopology } from './sub-topology.js'
import type { Topology } from './topology.js'

/** A node of a description. */
export interface DescribedNode {
  readonly name: string
  readonly type: 'source' | 'processor' | 'sink'
  /** What a source reads or a sink writes. */
  readonly topics: readonly string[]
  readonly stores: readonly string[]
  readonly successors: readonly string[]
  readonly predecessors: readonly string[]
}

export interface DescribedSubTopology {
  readonly id: number
  /** In the order in which Kafka Streams prints them. */
  readonly nodes: readonly DescribedNode[]
}

/** A topology as data: JSON-serializable, and what the other formats are printed from. */
export interface TopologyDescription {
  readonly name: string
  readonly subTopologies: readonly DescribedSubTopology[]
}

export type DescriptionFormat = 'text' | 'mermaid' | 'json'

/**
 * Prints a topology: as text in the format of Kafka Streams' `Topology.describe()`, as a Mermaid flowchart, or as
 * JSON.
 *
 * @example console.log(describe(consultants))
 */
export function describe(topology: Topology, format: DescriptionFormat = 'text'): string {
  const description = descriptionOf(topology)
  return match(format)
    .with('text', () => textOf(description))
    .with('mermaid', () => mermaidOf(description))
    .with('json', () => `${JSON.stringify(description, undefined, 2)}\n`)
    .exhaustive()
}

export function descriptionOf(topology: Topology): TopologyDescription {
  return {
    name: topology.name,
    subTopologies: topology.subTopologies.map((part) => ({ id: part.id, nodes: nodesOf(part) })).toArray(),
  }
}

function nodesOf(part: SubTopology): DescribedNode[] {
  // A repartition topic is written by a sink and read by a source: two nodes of one name here.
  const nameOf = (node: TopologyNode): string => part.names.get(node)!
  const exitName = (name: string): string => `${name}-sink`
  const successors = (node: TopologyNode): string[] =>
    (part.edges.get(node) ?? []).map(({ child }) =>
      child.kind === 'repartition' ? exitName(nameOf(child)) : nameOf(child),
    )
  const sources = part.inputs.flatMap((input) =>
    input.entries.map(
      (entry): DescribedNode => ({
        name: entry.kind === 'repartition' ? `${nameOf(entry)}-source` : nameOf(entry),
        type: 'source',
        topics: [input.topic.name],
        stores: [],
        successors: successors(entry),
        predecessors: [],
      }),
    ),
  )
  const entryName = (parent: TopologyNode): string =>
    parent.kind === 'repartition' ? `${nameOf(parent)}-source` : nameOf(parent)
  const inner = part.nodes.map(
    (node): DescribedNode => ({
      name: nameOf(node),
      type: node.kind,
      topics: node.kind === 'sink' ? [node.topic.name] : [],
      stores: node.kind === 'processor' ? node.stores.map((store) => store.name) : [],
      successors: successors(node),
      predecessors: node.parents.filter((_, input) => !isLookup(node, input)).map(entryName),
    }),
  )
  const exits = part.exits.map(
    (exit): DescribedNode => ({
      name: exitName(nameOf(exit)),
      type: 'sink',
      topics: [repartitionTopic(part.application, exit.name)],
      stores: [],
      successors: [],
      predecessors: exit.parents.map(entryName),
    }),
  )
  return inKafkaOrder([...sources, ...inner, ...exits])
}

const isLookup = (node: TopologyNode, input: number): boolean =>
  node.kind === 'processor' && node.lookups.includes(input)

/** In Kafka Streams' order: what leads to most other nodes first, by name where that is equal. */
function inKafkaOrder(nodes: readonly DescribedNode[]): DescribedNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const sizes = new Map<string, number>()
  const sizeOf = (name: string): number => {
    const known = sizes.get(name)
    if (known !== undefined) return known
    const size = byName.get(name)!.successors.reduce((sum, next) => sum + sizeOf(next), 1)
    sizes.set(name, size)
    return size
  }
  return [...nodes].sort(
    (a, b) => sizeOf(b.name) - sizeOf(a.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  )
}

const NONE = 'none'
const list = (names: readonly string[]): string => (names.length === 0 ? NONE : names.join(', '))

function textOf({ subTopologies }: TopologyDescription): string {
  const lines = subTopologies.flatMap(({ id, nodes }, index) => [
    `${index === 0 ? '   ' : '  '}Sub-topology: ${id}`, // indented so by Kafka Streams
    ...nodes.flatMap((node) =>
      match(node.type)
        .with('source', () => [
          `    Source: ${node.name} (topics: [${node.topics.join(', ')}])`,
          `      --> ${list(node.successors)}`,
        ])
        .with('processor', () => [
          `    Processor: ${node.name} (stores: [${node.stores.join(', ')}])`,
          `      --> ${list(node.successors)}`,
          `      <-- ${list(node.predecessors)}`,
        ])
        .with('sink', () => [
          `    Sink: ${node.name} (topic: ${node.topics.join(', ')})`,
          `      <-- ${list(node.predecessors)}`,
        ])
        .exhaustive(),
    ),
    '',
  ])
  return `Topologies:\n${lines.join('\n')}\n`
}

function mermaidOf({ subTopologies }: TopologyDescription): string {
  const ids = new Map<string, string>()
  const idOf = (kind: string, name: string): string => {
    const key = `${kind} ${name}`
    const id = ids.get(key) ?? `${kind}${ids.size}`
    ids.set(key, id)
    return id
  }
  const quote = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`
  const shapes = List(subTopologies).flatMap(({ nodes }) => nodes.flatMap((node) => [...node.topics]))
  const topics = [...new Set(shapes)].map((topic) => `  ${idOf('topic', topic)}[(${quote(topic)})]`)
  const parts = subTopologies.flatMap(({ id, nodes }) => [
    `  subgraph sub${id} [${quote(`Sub-topology ${id}`)}]`,
    ...nodes.map((node) => `    ${idOf(`n${id}_`, node.name)}[${quote(node.name)}]`),
    ...[...new Set(nodes.flatMap((node) => node.stores))].map(
      (store) => `    ${idOf('store', store)}[/${quote(store)}/]`,
    ),
    '  end',
  ])
  const edges = subTopologies.flatMap(({ id, nodes }) =>
    nodes.flatMap((node) => {
      const here = idOf(`n${id}_`, node.name)
      return [
        ...node.topics.map((topic) =>
          node.type === 'source'
            ? `  ${idOf('topic', topic)} --> ${here}`
            : `  ${here} --> ${idOf('topic', topic)}`,
        ),
        ...node.stores.map((store) => `  ${here} -.- ${idOf('store', store)}`),
        ...node.successors.map((next) => `  ${here} --> ${idOf(`n${id}_`, next)}`),
      ]
    }),
  )
  return `${['flowchart TD', ...topics, ...parts, ...edges].join('\n')}\n`
}
