import { OrderedSet } from 'immutable'
import { RevlogError } from '../core/errors.js'
import type { ProcessorNode, RepartitionNode, SourceNode } from '../topology/node.js'
import { originsOf } from '../topology/origins.js'
import { placeOfNode } from '../topology/place.js'
import { repartitionTopic } from '../topology/repartition-topic.js'
import type { Input, SubTopology } from '../topology/sub-topology.js'
import type { Topology } from '../topology/topology.js'

type Origin = SourceNode | RepartitionNode

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
 * A repartition topic without a number of its own has the number of what it is joined with, as far as that is
 * given, else that of the greatest topic above.
 *
 * @throws RevlogError `E_NOT_COPARTITIONED` when the sides of a join have different numbers of partitions.
 */
export function planTasks(topology: Topology, partitionsOf: (topic: string) => number): Plan {
  const { name: application } = topology
  const repartitions = topology.nodes.filter((n): n is RepartitionNode => n.kind === 'repartition')
  const joins = topology.nodes.filter((n): n is ProcessorNode => n.kind === 'processor' && n.copartitioned)
  const sidesOf = new Map(joins.map((join) => [join, OrderedSet(join.parents).flatMap(originsOf)]))
  const counts = new Map<RepartitionNode, number>()
  const asked = new Set<RepartitionNode>()
  const countOf = (origin: Origin): number => {
    if (origin.kind === 'source') return partitionsOf(origin.topic.name)
    if (origin.partitions !== undefined) return origin.partitions
    const known = counts.get(origin)
    if (known !== undefined) return known
    if (asked.has(origin)) return 1 // it depends on itself through a join, which then compares the numbers
    asked.add(origin)
    const together = togetherWith(origin, sidesOf.values())
    const fixed = together.filter((side) => side.kind === 'source' || side.partitions !== undefined)
    const free = together.filter((side): side is RepartitionNode => side.kind === 'repartition')
    const count = fixed.isEmpty()
      ? Math.max(...free.flatMap((side) => originsOf(side.parents[0]).map(countOf)))
      : Math.max(...fixed.map(countOf))
    counts.set(origin, count)
    return count
  }

  for (const join of joins) {
    const [first, ...others] = sidesOf.get(join)!.map((origin) => ({
      topic: nameOf(application, origin),
      partitions: countOf(origin),
    }))
    const odd = others.find((side) => side.partitions !== first?.partitions)
    if (first !== undefined && odd !== undefined) {
      throw new RevlogError(
        'E_NOT_COPARTITIONED',
        `${placeOfNode(join)} works by key, so all that it reads must have the same number of partitions: ` +
          `${first.topic} has ${first.partitions}, ${odd.topic} has ${odd.partitions}`,
        {
          at: { operator: topology.names.get(join)! },
          remedy:
            'put .repartition({ name }) before it or before one side, or create the topics with equal counts',
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

/** The origins that a join reads by the same key as this one, directly or through others; itself among them. */
function togetherWith(origin: Origin, joins: Iterable<OrderedSet<Origin>>): OrderedSet<Origin> {
  const sides = [...joins]
  let together = OrderedSet<Origin>([origin])
  for (let before = 0; before < together.size; ) {
    before = together.size
    for (const side of sides) if (side.some((o) => together.has(o))) together = together.union(side)
  }
  return together
}

const nameOf = (application: string, origin: Origin): string =>
  origin.kind === 'source' ? origin.topic.name : repartitionTopic(application, origin.name)
