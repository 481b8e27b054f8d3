import type { PlannedTask } from '../../engine/plan.js'
import type { HostedTask } from '../hosted-task.js'
import type { Ledger } from '../protocol/ledger.js'
import type { TransactionalProducer } from '../protocol/ports.js'

/** A task that was assigned to this process, from then until it is taken away. */
export interface Slot {
  /** `<part>_<partition>`, as the group calls it. */
  readonly id: string
  readonly planned: PlannedTask
  readonly name: string
  /** The generation of the group in which it is ours. */
  generation: number
  /** What runs, once it was taken over; `undefined` while that is under way. */
  running: Running | undefined
  /** It is somebody else's now: nothing of it may be written any more. */
  dropped: boolean
  /** Ends what runs; the task is taken over anew unless it was dropped. */
  restart: (reason: unknown) => void
}

export interface Running {
  readonly hosted: HostedTask
  readonly ledger: Ledger
  /** Under exactly once. */
  readonly producer: TransactionalProducer | undefined
  /** Whether nobody has written the changelog behind the task's back, as far as can be said now. */
  readonly undisturbed: () => Promise<boolean>
  /** A commit that it takes part in; the state must not be closed before. */
  committing: Promise<void> | undefined
}
