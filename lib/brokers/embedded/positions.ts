import type { Environment } from '../../state/lmdb/environment.js'
import { positionKey } from './keys.js'

/** How far groups of consumers have read: the next offset, by group, topic and partition. */
export interface Positions {
  get(group: string, topic: string, partition: number): number | undefined
  /** Inside a transaction it is part of it. */
  set(group: string, topic: string, partition: number, offset: number): void
}

export function createPositions(environment: Environment): Positions {
  const rows = environment.database('log/positions')
  return {
    get: (group, topic, partition) => rows.get(positionKey(group, topic, partition))?.readDoubleBE(0),
    set(group, topic, partition, offset) {
      const row = Buffer.allocUnsafe(8)
      row.writeDoubleBE(offset)
      environment.transaction(() => rows.put(positionKey(group, topic, partition), row))
    },
  }
}
