import { OrderedSet } from 'immutable'
import { RevlogError } from '../core/errors.js'
import type { ProcessorNode, RepartitionNode, SourceNode } from '../topology/node.js'
import type { Input, SubTopology } from '../topology/sub-topology.js'
import { originsOf, repartitionTopic, type Topology } from '../topology/topology.js'

/** A task that has to run: one partition of one sub-topology. */
export interface PlannedTask {
  readonly part: SubTopology
  readonly partition: number
  /** How many partitions the sub-topology has. */
  readonly partitions: number
  /** The inputs that have this partition. */
  readonly inputs: readonly Input[]
}

export interface Plan {
  /** By sub-topology, then partition. */
  readonly tasks: readonly PlannedTask[]
  /** Partitions of each repartition topic. */
  readonly repartitionTopics: ReadonlyMap<string, number>
}

/**
 * Which tasks a topology becomes when its source topics have so many partitions.
 *
 * @throws RevlogError `E_NOT_COPARTITIONED` when the sides of a join have different numbers of partitions.
 */
export function planTasks(topology: Topology, partitionsOf: (topic: string) => number): Plan {
  const { name: application } = topology
  const repartitions = topology.nodes.filter((n): n is RepartitionNode => n.kind === 'repartition')
  const joins = topology.nodes.filter((n): n is ProcessorNode => n.kind === 'processor' && n.copartitioned)
  const counts = new Map<RepartitionNode, number>()
  const countOf = (origin: SourceNode | RepartitionNode): number => {
    if (origin.kind === 'source') return partitionsOf(origin.topic.name)
    const known = counts.get(origin)
    if (known !== undefined) return known
    const above = Math.max(...originsOf(origin.parents[0]).map(countOf))
    const count = origin.partitions ?? Math.max(above, ...joinedWith(origin, joins))
    counts.set(origin, count)
    return count
  }
  /** A repartition topic without a number of its own takes that of the topics that it is joined with. */
  const joinedWith = (origin: RepartitionNode, all: Iterable<ProcessorNode>): number[] =>
    [...all]
      .map((join) => join.parents.flatMap((parent) => [...originsOf(parent)]))
      .filter((origins) => origins.includes(origin))
      .flatMap((origins) =>
        origins.flatMap((o) => (o.kind === 'source' ? [partitionsOf(o.topic.name)] : (o.partitions ?? []))),
      )

  for (const join of joins) {
    const sides = OrderedSet(join.parents.flatMap((parent) => [...originsOf(parent)]))
    const [first, ...others] = sides.map((origin) => ({
      topic: nameOf(application, origin),
      partitions: countOf(origin),
    }))
    const odd = others.find((side) => side.partitions !== first?.partitions)
    if (first !== undefined && odd !== undefined) {
      throw new RevlogError(
        'E_NOT_COPARTITIONED',
        `${join.operator} needs both sides to have the same number of partitions: ` +
          `${first.topic} has ${first.partitions}, ${odd.topic} has ${odd.partitions}`,
        {
          at: { operator: topology.names.get(join)! },
          remedy:
            'put .repartition({ name, partitions }) before one side, or create the topics with equal counts',
        },
      )
    }
  }
  const repartitionTopics = new Map(
    repartitions.map((node) => [repartitionTopic(application, node.name), countOf(node)]),
  )
  const partitions = (input: Input): number =>
    repartitionTopics.get(input.topic.name) ?? partitionsOf(input.topic.name)
  const tasks = topology.subTopologies.flatMap((part) => {
    const most = Math.max(...part.inputs.map(partitions))
    return Array.from({ length: most }, (_, partition) => ({
      part,
      partition,
      partitions: most,
      inputs: part.inputs.filter((input) => partitions(input) > partition),
    }))
  })
  return { tasks: [...tasks], repartitionTopics }
}

const nameOf = (application: string, origin: SourceNode | RepartitionNode): string =>
  origin.kind === 'source' ? origin.topic.name : repartitionTopic(application, origin.name)
