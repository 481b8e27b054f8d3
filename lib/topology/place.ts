import type { ProcessorNode, SinkNode, StreamNode } from './node.js'
import { originsOf } from './origins.js'

/** Where an operator stands, for messages: its name, or what it is and which topics it reads. */
export function placeOf(operator: string, name: string | undefined, node: StreamNode): string {
  if (name !== undefined) return `${operator} '${name}'`
  const origins = originsOf(node).map((o) => (o.kind === 'source' ? o.topic.name : o.name))
  return `${operator} on ${origins.join(', ')}`
}

/** The same for a node of a topology. */
export function placeOfNode(node: StreamNode | ProcessorNode | SinkNode): string {
  if (node.kind === 'source')
    return node.name === undefined ? `stream(${node.topic.name})` : `stream '${node.name}'`
  if (node.kind === 'repartition') return `repartition '${node.name}'`
  if (node.kind === 'sink') return placeOf(`to(${node.topic.name})`, node.name, node.parents[0])
  return placeOf(node.operator, node.name, node)
}
