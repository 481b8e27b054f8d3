import type { NewTopic, TopicConfig } from '../brokers/port.js'
import type { Plan } from '../engine/plan.js'
import type { StreamNode } from '../topology/node.js'
import type { Topology } from '../topology/topology.js'
import type { Settings } from './options.js'

const COMPACT: TopicConfig = Object.freeze({ cleanupPolicy: 'compact' })
const KEEP: TopicConfig = Object.freeze({ cleanupPolicy: 'delete' })

export const changelogTopic = (application: string, state: string): string =>
  `${application}-${state}-changelog`

/**
 * The topics that an application needs beside its changelogs. What tables read and write is compacted, a revision
 * log among it, because there only the last record of a key counts; the rest is kept for ever.
 */
export function topicsOf(topology: Topology, plan: Plan, settings: Settings): readonly NewTopic[] {
  const topics = new Map<string, NewTopic>()
  const need = (name: string, config: TopicConfig, partitions = settings.partitionsOf(name)): void => {
    // A topic that is read as a table and as a stream must keep what the stream reads.
    const known = topics.get(name)
    if (known === undefined || known.config === COMPACT) topics.set(name, { name, partitions, config })
  }
  for (const node of topology.nodes) {
    if (node.kind === 'source') {
      const readers = topology.children.get(node)
      const table = readers?.every((child) => child.kind === 'processor' && child.operator === 'table')
      need(node.topic.name, table === true ? COMPACT : KEEP)
    }
  }
  for (const [name, partitions] of plan.repartitionTopics) need(name, KEEP, partitions)
  for (const node of topology.nodes) {
    if (node.kind !== 'sink' || topics.get(node.topic.name)?.config === KEEP) continue
    need(node.topic.name, isTable(node.parents[0]) ? COMPACT : KEEP)
  }
  const { deadLetterTopic } = settings.errors
  if (deadLetterTopic !== undefined) need(deadLetterTopic, KEEP)
  return [...topics.values()]
}

/** Steps that leave keys as they are, so that what was a table's stream still is one. */
const KEEPS_KEYS: ReadonlySet<string> = new Set(['filter', 'filterNot', 'mapValues', 'peek'])

function isTable(node: StreamNode): boolean {
  if (node.kind !== 'processor') return false
  if (node.operator === 'toStream') return true
  return KEEPS_KEYS.has(node.operator) && isTable(node.parents[0]!)
}
