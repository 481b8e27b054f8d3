import type { RevlogError } from '../../core/errors.js'
import type { ServiceEvent } from '../events.js'

/** What is repeated without an end, because brokers may be away for any length of time, is at least said. */
export const lateWarning =
  (onEvent: (event: ServiceEvent) => void) =>
  ({ code, problem, remedy }: RevlogError, ms: number): void =>
    onEvent({
      kind: 'warning',
      code,
      problem: `${problem}; it has been tried for ${Math.round(ms / 1_000)} s, and is tried again`,
      remedy,
    })
