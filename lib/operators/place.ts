import { RevlogError } from '../core/errors.js'
import type { Serde } from '../serdes/serde.js'
import type { StreamNode } from '../topology/node.js'
import type { StreamShape } from '../topology/stream.js'
import { originsOf } from '../topology/topology.js'

/** Where an operator stands, for messages: its name, or what it is and which topics it reads. */
export function placeOf(operator: string, name: string | undefined, node: StreamNode): string {
  if (name !== undefined) return `${operator} '${name}'`
  const origins = originsOf(node).map((o) => (o.kind === 'source' ? o.topic.name : o.name))
  return `${operator} on ${origins.join(', ')}`
}

/** State is kept under the name that the user gave, so that an unrelated edit of the topology never renames it. */
export function requireName(operator: string, name: string | undefined, node: StreamNode): string {
  if (name === undefined || name === '') {
    throw new RevlogError(
      'E_STORE_UNNAMED',
      `${placeOf(operator, undefined, node)} keeps state and has no name`,
      {
        remedy: `give it one: ${operator}({ name: '...' }); it names the store and its part of the changelog`,
      },
    )
  }
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(name)) {
    throw new RevlogError('E_NAME', `${JSON.stringify(name)} cannot name an operator`, {
      at: { operator },
      remedy: 'use 1 to 200 of the characters A-Z a-z 0-9 . _ -',
    })
  }
  return name
}

/** State is found by key, so every record of a key has to be in one partition. */
export function requirePartitioned(
  operator: string,
  name: string | undefined,
  stream: StreamShape<any, any>,
): void {
  if (stream.partitioned) return
  throw new RevlogError(
    'E_NOT_PARTITIONED',
    `${placeOf(operator, name, stream.node)} works by key, but a step before it changed the keys`,
    {
      remedy:
        "put .repartition({ name: '...' }) before it, use groupBy, or selectKey(fn, { keepsPartition: true }) when the records already are in the partition of their new key",
    },
  )
}

export function requireSerde<T>(
  part: 'key' | 'value',
  serde: Serde<any, T> | undefined,
  operator: string,
  name: string | undefined,
  node: StreamNode,
): Serde<any, T> {
  if (serde !== undefined) return serde
  throw new RevlogError(
    'E_SERDE_UNKNOWN',
    `${placeOf(operator, name, node)} does not know how to write its ${part}s`,
    {
      remedy: `give the ${part} option of ${operator}, or of the step that changed the ${part}s, a serde such as string() or json()`,
    },
  )
}
