import { RevlogError } from '../lib/core/errors.js'
import { storesOf, type Topology } from '../lib/topology/topology.js'
import type { Host } from './host.js'

/**
 * A store of a running task, as its operator sees it.
 *
 * @param type the kind that it must be of; any when `undefined`.
 * @param partition whose, when several tasks have it.
 */
export function storeIn(
  topology: Topology,
  host: Host,
  name: string,
  type: string | undefined,
  partition: number | undefined,
): unknown {
  const spec = storesOf(topology).find((s) => s.name === name)
  if (spec === undefined) {
    const names = storesOf(topology).map((s) => s.name)
    throw new RevlogError('E_STORE_UNKNOWN', `topology ${topology.name} has no store ${name}`, {
      remedy: names.isEmpty() ? 'it has no stores' : `it has ${names.join(', ')}`,
    })
  }
  if (type !== undefined && spec.type !== type) {
    throw new RevlogError('E_STORE_KIND', `store ${name} is a ${spec.type} store, not a ${type} one`, {
      remedy: 'use the getter of its kind, or store(spec)',
    })
  }
  const having = host.tasks().filter(({ task }) => task.store(name) !== undefined)
  const found =
    partition === undefined && having.length === 1
      ? having
      : having.filter(({ task }) => task.partition === partition)
  const [running] = found
  if (running !== undefined) return running.task.store(name)
  throw new RevlogError('E_STORE_PARTITION', `store ${name} is in ${having.length} task(s)`, {
    at: { store: name, ...(partition === undefined ? {} : { partition }) },
    remedy: `say whose you mean: partition ${having.map(({ task }) => task.partition).join(', ')}`,
  })
}
