import { Map as ImmutableMap, type List } from 'immutable'
import { match, P } from 'ts-pattern'
import type { TopologyNode } from './node.js'

/**
 * A name for each node: the one that was given, or Kafka Streams' `PREFIX-0000000007`, numbered in topological
 * order. Generated names appear in descriptions and messages only; nothing that is kept is named after one.
 */
export function assignNames(nodes: List<TopologyNode>): ImmutableMap<TopologyNode, string> {
  return ImmutableMap<TopologyNode, string>().withMutations((names) => {
    nodes.forEach((node, index) => {
      names.set(node, nameOf(node) ?? `${prefixOf(node)}-${String(index).padStart(10, '0')}`)
    })
  })
}

const nameOf = (node: TopologyNode): string | undefined => node.name

const prefixOf = (node: TopologyNode): string =>
  match(node)
    .with({ kind: 'source' }, () => 'KSTREAM-SOURCE')
    .with({ kind: 'sink' }, () => 'KSTREAM-SINK')
    .with({ kind: 'repartition' }, () => 'KSTREAM-REPARTITION')
    .with({ kind: 'processor', prefix: P.select() }, (prefix) => prefix)
    .exhaustive()
