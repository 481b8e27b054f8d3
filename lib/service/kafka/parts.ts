import type { Part } from '../../brokers/kafka/group/member.js'
import type { ExpectedTopic } from '../../brokers/kafka/topic-check.js'
import type { InternalTopic } from '../../brokers/kafka/topics.js'
import type { Plan } from '../../engine/plan.js'
import { originsOf } from '../../topology/origins.js'
import type { SubTopology } from '../../topology/sub-topology.js'
import { sinkTopicsOf, type Topology } from '../../topology/topology.js'
import { matchParts } from '../manifest.js'
import type { Settings } from '../options.js'
import { changelogTopic, topicsOf } from '../topics.js'
import { aboutPart, type ReadPart } from './known-parts.js'

/** A sub-topology as the group and the changelogs know it. */
export interface NamedPart {
  readonly part: SubTopology
  readonly partitions: number
  /** Never a number: an unrelated edit must not rename state. */
  readonly name: string
  /** `undefined` for a part that keeps nothing. */
  readonly changelog: string | undefined
  /** Repartition topics that it writes, through its outbox. */
  readonly outboxTopics: ReadonlySet<string>
  /** For the group, see `aboutPart`. */
  readonly about: string
}

/**
 * @param exactlyOnce transactions need no outbox, and so a part without stores no changelog
 * @param read what has a changelog keeps its name, in whatever order the topology now names its stores
 * @throws RevlogError `E_INCOMPATIBLE_TOPOLOGY` when that has other stores
 */
export function namedParts(
  topology: Topology,
  plan: Plan,
  exactlyOnce: boolean,
  read: readonly ReadPart[],
): readonly NamedPart[] {
  const counts = new Map<SubTopology, number>()
  for (const { part, partition } of plan.tasks) {
    counts.set(part, Math.max(counts.get(part) ?? 0, partition + 1))
  }
  const described = [...counts].map(([part, partitions]) => ({ part, partitions }))
  const known = matchParts(topology.name, read, described)
  return described.map(({ part, partitions }) => {
    const exits = part.outputs.filter(({ internal }) => internal).map(({ topic }) => topic)
    const outboxTopics = new Set(exactlyOnce ? [] : exits)
    const [store] = part.stores
    const [exit] = part.exits
    const before = known.get(part)
    const fresh =
      store?.name ?? (exit === undefined ? `+${part.inputs[0]!.topic.name}` : `${exit.name}-outbox`)
    const name = before?.changelog === true ? before.name : fresh
    const keeps = store !== undefined || outboxTopics.size > 0
    const stores = part.stores.map((one) => one.name)
    return {
      part,
      partitions,
      name,
      changelog: keeps ? changelogTopic(topology.name, name) : undefined,
      outboxTopics,
      about: aboutPart(name, stores, keeps),
    }
  })
}

/** What the group compares between versions of a program. */
export const groupParts = (
  parts: readonly NamedPart[],
  partitionsOf: (topic: string) => number,
  exactlyOnce: boolean,
): readonly Part[] =>
  parts.map(({ part, partitions, name, changelog }) => {
    const inputs = part.inputs.map(({ topic }) => ({
      topic: topic.name,
      partitions: partitionsOf(topic.name),
    }))
    const stores = part.stores.map((store) => `${store.name} ${store.type} ${store.fingerprint}`)
    return {
      name,
      partitions,
      inputs,
      stateful: changelog !== undefined,
      // Members with different guarantees must not take tasks from one another: the one does not fence the other.
      fingerprint: JSON.stringify([inputs.map(({ topic }) => topic).sort(), stores.sort(), exactlyOnce]),
    }
  })

/** The topics that have to be there before an application starts. */
export function expectedTopics(topology: Topology, plan: Plan, settings: Settings): readonly ExpectedTopic[] {
  const written = new Set(sinkTopicsOf(topology))
  const history = historiesOf(topology)
  return topicsOf(topology, plan, settings)
    .filter(({ name }) => !plan.repartitionTopics.has(name))
    .map(({ name, config }) => {
      const content = config.cleanupPolicy === 'compact' ? 'table' : 'stream'
      const role = written.has(name)
        ? `what ${topology.name} writes${content === 'table' ? ' as a revision log or table' : ''}`
        : `what ${topology.name} reads${content === 'table' ? ' as a table' : ''}`
      const historyMs = history.get(name)
      return {
        name,
        role,
        content,
        written: written.has(name),
        ...(historyMs === undefined ? {} : { historyMs }),
      }
    })
}

/** How old a record of a source topic can be and still change an answer, where an operator says so. */
function historiesOf(topology: Topology): ReadonlyMap<string, number> {
  const histories = new Map<string, number>()
  for (const node of topology.nodes) {
    if (node.kind !== 'processor' || node.historyMs === undefined) continue
    for (const origin of originsOf(node)) {
      if (origin.kind !== 'source') continue
      const { name } = origin.topic
      histories.set(name, Math.max(histories.get(name) ?? 0, node.historyMs))
    }
  }
  return histories
}

/**
 * @param begun topics of which something was read by who has a changelog: it must be there
 * @param maxMessageBytes what the topics of others take: these take as much
 */
export const internalTopics = (
  plan: Plan,
  parts: readonly NamedPart[],
  begun: ReadonlySet<string>,
  maxMessageBytes = 0,
): readonly InternalTopic[] => [
  ...[...plan.repartitionTopics].map(([name, partitions]) => ({
    name,
    partitions,
    kind: 'repartition' as const,
    inUse: false,
    maxMessageBytes,
  })),
  ...parts.flatMap(({ part, changelog, partitions }) => {
    const inUse = part.inputs.some(({ topic }) => begun.has(topic.name))
    return changelog === undefined
      ? []
      : [{ name: changelog, partitions, kind: 'changelog' as const, inUse, maxMessageBytes }]
  }),
]
