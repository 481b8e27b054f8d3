import type { ProducerRecord } from '../core/record.js'
import type { StoreWrites } from '../state/port.js'

/**
 * Everything that a task wants to have happened since its last commit. The host makes it durable, all of it or
 * nothing, and then calls `committed`; or it throws the task away and makes a new one from the last commit.
 */
export interface Effects {
  /** In the order in which they were emitted. Repartition topics' records are among them. */
  readonly outputs: readonly ProducerRecord[]
  /** Per store, ascending by key: what goes to the state and to the changelog. */
  readonly writes: readonly StoreWrites[]
  /** Positions, stream time, timers: for the same transaction. */
  readonly metadata: Buffer
  /** The positions alone: the next offset to be read, by topic. */
  readonly positions: ReadonlyMap<string, number>
}
