import type { List } from 'immutable'
import { match } from 'ts-pattern'
import { RevlogError } from '../core/errors.js'
import type { StoreSpec } from '../state/store.js'
import { assignNames, checkName } from './names.js'
import type { SinkNode, TopologyNode } from './node.js'
import { placeOfNode } from './place.js'
import { repartitionTopic } from './repartition-topic.js'

/** What types cannot catch and a single operator cannot see. Throws the first mistake, with operator and remedy. */
export function validate(application: string, nodes: List<TopologyNode>): void {
  checkNames(nodes)
  checkStores(nodes)
  checkTopics(application, nodes)
  checkLoops(nodes)
  for (const node of nodes) if (node.kind === 'processor') node.validate?.(node)
}

function checkNames(nodes: List<TopologyNode>): void {
  const names = assignNames(nodes)
  const taken = new Map<string, TopologyNode>()
  for (const node of nodes) {
    if (node.name !== undefined) checkName(node.name, placeOfNode({ ...node, name: undefined } as never))
    const name = names.get(node)!
    const other = taken.get(name)
    if (other !== undefined) {
      throw new RevlogError(
        'E_NAME_TAKEN',
        `${placeOfNode(other)} and ${placeOfNode(node)} have the same name ${JSON.stringify(name)}`,
        {
          at: { operator: name },
          remedy: 'give each its own name: state, changelog and repartition topics are named after them',
        },
      )
    }
    taken.set(name, node)
  }
}

function checkStores(nodes: List<TopologyNode>): void {
  const known = new Map<string, { readonly spec: StoreSpec<any>; readonly owner: string }>()
  for (const node of nodes) {
    if (node.kind !== 'processor') continue
    const owner = placeOfNode(node)
    for (const spec of node.stores) {
      const other = known.get(spec.name)
      if (other !== undefined && other.spec !== spec) {
        throw new RevlogError(
          'E_NAME_TAKEN',
          `${other.owner} and ${owner} both keep a store named ${JSON.stringify(spec.name)}`,
          {
            at: { store: spec.name },
            remedy:
              'give each store its own name; to share one, use the same table or pass the same store value to both',
          },
        )
      }
      checkName(spec.name, `a store of ${owner}`)
      known.set(spec.name, { spec, owner: other?.owner ?? owner })
    }
  }
}

interface AnyTopic {
  readonly name: string
  readonly key: unknown
  readonly value: unknown
  readonly timestamp?: unknown
}

function checkTopics(application: string, nodes: List<TopologyNode>): void {
  const topics = new Map<string, { readonly topic: AnyTopic; readonly place: string }>()
  const internal = new Map<string, string>()
  const meet = (topic: AnyTopic, place: string): void => {
    const other = topics.get(topic.name)
    if (other === undefined) topics.set(topic.name, { topic, place })
    else if (!agree(other.topic, topic)) {
      throw new RevlogError(
        'E_TOPIC_CONFLICT',
        `${other.place} and ${place} use topic ${topic.name} with different serdes or event times`,
        {
          at: { topic: topic.name },
          remedy:
            'make the topic once with topic(...) and use that value everywhere: serdes and event time are said once',
        },
      )
    }
  }
  for (const node of nodes) {
    match(node)
      .with({ kind: 'source' }, { kind: 'sink' }, (end) => meet(end.topic, placeOfNode(end)))
      .with({ kind: 'repartition' }, (cut) =>
        internal.set(repartitionTopic(application, cut.name), placeOfNode(cut)),
      )
      .with({ kind: 'processor' }, () => {})
      .exhaustive()
  }
  for (const [name, place] of internal) {
    const other = topics.get(name)
    if (other === undefined) continue
    throw new RevlogError(
      'E_TOPIC_CONFLICT',
      `${other.place} uses topic ${name}, which belongs to ${place}`,
      {
        at: { topic: name },
        remedy: `rename ${place}, or go on with the stream that it returned`,
      },
    )
  }
}

/** A topic that can only be written says nothing about event time. */
const agree = (a: AnyTopic, b: AnyTopic): boolean =>
  a.key === b.key &&
  a.value === b.value &&
  (!('timestamp' in a && 'timestamp' in b) || a.timestamp === b.timestamp)

/**
 * A topic may be written back to itself, as long as something on the way can end it. Where every record becomes
 * another one, a single record would go round for ever.
 */
function checkLoops(nodes: List<TopologyNode>): void {
  for (const node of nodes) {
    if (node.kind !== 'sink' || !returns(node)) continue
    throw new RevlogError(
      'E_TOPIC_LOOP',
      `${placeOfNode(node)} writes every record back to a topic that it came from, for ever`,
      {
        at: { topic: node.topic.name },
        remedy: 'write to another topic, or put a filter before it that ends the loop',
      },
    )
  }
}

function returns(sink: SinkNode): boolean {
  const seen = new Set<TopologyNode>()
  const visit = (node: TopologyNode): boolean => {
    if (seen.has(node)) return false
    seen.add(node)
    return match(node)
      .with({ kind: 'source' }, ({ topic }) => topic.name === sink.topic.name)
      .with({ kind: 'repartition' }, ({ parents }) => visit(parents[0]))
      .with({ kind: 'sink' }, ({ parents }) => visit(parents[0]))
      .with(
        { kind: 'processor' },
        ({ relays, parents, lookups }) =>
          relays && parents.some((parent, input) => !lookups.includes(input) && visit(parent)),
      )
      .exhaustive()
  }
  return visit(sink)
}
