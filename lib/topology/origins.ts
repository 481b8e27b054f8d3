import { OrderedSet } from 'immutable'
import { match } from 'ts-pattern'
import type { RepartitionNode, SourceNode, StreamNode } from './node.js'

/** The sources and repartition topics that a node's records come from: the nearest ones above it. */
export function originsOf(node: StreamNode): OrderedSet<SourceNode | RepartitionNode> {
  const seen = new Set<StreamNode>() // a stream that is split and merged again is met once, not once a way
  const visit = (at: StreamNode): readonly (SourceNode | RepartitionNode)[] => {
    if (seen.has(at)) return []
    seen.add(at)
    return match(at)
      .with({ kind: 'source' }, { kind: 'repartition' }, (origin) => [origin])
      .with({ kind: 'processor' }, (n) => n.parents.flatMap(visit))
      .exhaustive()
  }
  return OrderedSet(visit(node))
}
