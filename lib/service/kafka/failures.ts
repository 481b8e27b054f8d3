import { RevlogError } from '../../core/errors.js'

/** What passes when the work is thrown away and the task is taken over anew, as often as it takes. */
const PASSING: ReadonlySet<string> = new Set([
  'E_ABORTED',
  'E_BROKER_CLOSED',
  'E_BROKER_UNREACHABLE',
  'E_COMMIT_UNCONFIRMED',
  'E_GROUP_UNREACHABLE',
  'E_PRODUCER_BUSY',
  'E_PRODUCER_SPENT',
  'E_STATE_DISK_FULL',
  'E_TASK_CONTENDED',
  'E_TASK_MIGRATED',
])

/**
 * Whether only a person can put it right. Answers of a broker that have no code of ours pass: most of them say that
 * something moves, and of those that do not, what is tried again says so again. What is no error of ours is a bug.
 */
export const isFinal = (thrown: unknown): boolean =>
  !(thrown instanceof RevlogError) || !(PASSING.has(thrown.code) || thrown.code.startsWith('E_KAFKA_'))
