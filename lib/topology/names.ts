import { Map as ImmutableMap, type List } from 'immutable'
import { match, P } from 'ts-pattern'
import { RevlogError } from '../core/errors.js'
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

/** @throws RevlogError `E_NAME` for a name that cannot be part of a topic's or a file's name. */
export function checkName(name: string, place: string): void {
  if (typeof name === 'string' && /^[A-Za-z0-9._-]{1,200}$/.test(name)) return
  throw new RevlogError('E_NAME', `${place} cannot be named ${JSON.stringify(name)}`, {
    remedy: 'use 1 to 200 of the characters A-Z a-z 0-9 . _ -',
  })
}
