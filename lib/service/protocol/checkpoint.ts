import { messageOf, RevlogError } from '../../core/errors.js'
import type { StateBackend, StoreWrites } from '../../state/port.js'

/** Where in its changelog the state of a task stands. It is a row of the state, so the two can never disagree. */
export interface Checkpoint {
  /** The next offset of the changelog that the state does not have yet. */
  readonly offset: number
  /** The greatest epoch that was seen; 0 before there was one. */
  readonly epoch: number
  /** The changelog that it belongs to: the identity record's id and offset. A topic of the same name is another one. */
  readonly identity: { readonly id: string; readonly offset: number } | undefined
  /** The ids of the stores in the changelog. */
  readonly stores: { readonly [store: string]: number }
  /**
   * While the changelog is being read the rows are ahead of the positions: the state counts only when it is `whole`.
   * `ahead`: rows were written whose commit may turn out not to have happened.
   */
  readonly state: 'whole' | 'restoring' | 'ahead'
}

/** Not a name that a store of a topology can have. */
export const CHECKPOINT_STORE = '#checkpoint'
const KEY = 'at'
const FORMAT = 1

export function readCheckpoint(backend: StateBackend): Checkpoint | undefined {
  const bytes = backend.rows(CHECKPOINT_STORE).get(KEY)
  if (bytes === undefined) return undefined
  try {
    const { format, ...checkpoint } = JSON.parse(bytes.toString()) as Checkpoint & { readonly format: number }
    if (format === FORMAT) return { ...checkpoint, identity: checkpoint.identity }
    throw new RangeError(`format ${format} is not ${FORMAT}`)
  } catch (cause) {
    throw new RevlogError('E_STATE_FORMAT', `the checkpoint cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy:
        'use the version of revlog that wrote it, or delete the state: it is restored from the changelog',
    })
  }
}

/** The checkpoint as a write, for the transaction of what it is the checkpoint of. */
export const checkpointWrite = (checkpoint: Checkpoint): StoreWrites => ({
  store: CHECKPOINT_STORE,
  writes: [{ key: KEY, value: Buffer.from(JSON.stringify({ format: FORMAT, ...checkpoint })) }],
})
