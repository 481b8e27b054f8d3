import type { Map as ImmutableMap, List } from 'immutable'
import { RevlogError } from '../core/errors.js'
import type { StoreSpec } from '../state/store.js'
import type { TopologyNode } from './node.js'
import { repartitionTopic } from './repartition-topic.js'
import type { SourceTopic } from './topic.js'

/** What types cannot catch and a single operator cannot see. Throws the first mistake, with operator and remedy. */
export function validate(
  application: string,
  nodes: List<TopologyNode>,
  names: ImmutableMap<TopologyNode, string>,
): void {
  const nameOf = (node: TopologyNode): string => names.get(node)!
  checkNames(nodes, nameOf)
  checkStores(nodes, nameOf)
  checkTopics(application, nodes)
  for (const node of nodes) if (node.kind === 'processor') node.validate?.(node)
}

function checkNames(nodes: List<TopologyNode>, nameOf: (node: TopologyNode) => string): void {
  const taken = new Set<string>()
  for (const node of nodes) {
    const name = nameOf(node)
    if (taken.has(name)) {
      throw new RevlogError('E_NAME_TAKEN', `two operators are named ${JSON.stringify(name)}`, {
        at: { operator: name },
        remedy: 'give each its own name: state, changelog and repartition topics are named after them',
      })
    }
    taken.add(name)
  }
}

function checkStores(nodes: List<TopologyNode>, nameOf: (node: TopologyNode) => string): void {
  const known = new Map<string, { readonly spec: StoreSpec<any>; readonly owner: string }>()
  for (const node of nodes) {
    if (node.kind !== 'processor') continue
    for (const spec of node.stores) {
      const other = known.get(spec.name)
      if (other !== undefined && other.spec !== spec) {
        throw new RevlogError(
          'E_NAME_TAKEN',
          `${other.owner} and ${nameOf(node)} both keep a store named ${JSON.stringify(spec.name)}`,
          {
            at: { operator: nameOf(node), store: spec.name },
            remedy: 'give each store its own name; to share a store, pass the same store value to both',
          },
        )
      }
      if (!/^[A-Za-z0-9._-]{1,200}$/.test(spec.name)) {
        throw new RevlogError('E_NAME', `${JSON.stringify(spec.name)} cannot name a store`, {
          at: { operator: nameOf(node) },
          remedy: 'use 1 to 200 of the characters A-Z a-z 0-9 . _ -',
        })
      }
      known.set(spec.name, { spec, owner: nameOf(node) })
    }
  }
}

function checkTopics(application: string, nodes: List<TopologyNode>): void {
  const sources = new Map<string, SourceTopic<any, any>>()
  const internal = new Set<string>()
  for (const node of nodes) {
    if (node.kind === 'repartition') internal.add(repartitionTopic(application, node.name))
    if (node.kind !== 'source') continue
    const other = sources.get(node.topic.name)
    if (other !== undefined && !agree(other, node.topic)) {
      throw new RevlogError(
        'E_TOPIC_CONFLICT',
        `topic ${node.topic.name} is read as two different topic values`,
        {
          at: { topic: node.topic.name },
          remedy:
            'make the topic once with topic(...) and use that value everywhere: serdes and event time are said once',
        },
      )
    }
    sources.set(node.topic.name, node.topic)
  }
  for (const name of internal) {
    if (sources.has(name)) {
      throw new RevlogError(
        'E_TOPIC_CONFLICT',
        `topic ${name} is a repartition topic of the topology and a source of it`,
        {
          at: { topic: name },
          remedy: 'rename the repartition, or read what comes out of .repartition() directly',
        },
      )
    }
  }
}

const agree = (a: SourceTopic<any, any>, b: SourceTopic<any, any>): boolean =>
  a.key === b.key && a.value === b.value && a.timestamp === b.timestamp
