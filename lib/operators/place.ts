import { RevlogError } from '../core/errors.js'
import type { Serde } from '../serdes/serde.js'
import { checkName } from '../topology/names.js'
import type { StreamNode } from '../topology/node.js'
import { placeOf } from '../topology/place.js'
import type { StreamShape } from '../topology/stream.js'

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
  checkName(name, placeOf(operator, undefined, node))
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
