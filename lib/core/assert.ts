import { RevlogError } from './errors.js'

/** Stops the task when an invariant of revlog itself is broken. Never for bad input: that has a policy. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) {
    throw new RevlogError('E_INVARIANT', `broken invariant: ${invariant}`, {
      remedy: 'this is a defect of revlog; please report it with the stack trace',
    })
  }
}
