import { RevlogError } from '../../core/errors.js'

export interface OneAtATime {
  /** Why no call is possible any more. */
  readonly spent: RevlogError | undefined
  /** Rejects with `E_PRODUCER_BUSY` while a call is under way, and with `E_PRODUCER_SPENT` after one has failed. */
  run<T>(call: () => Promise<T>): Promise<T>
}

/**
 * Lets a producer do one thing at a time, and nothing after a failure. Two sends at once can make the broker take the
 * second for a repetition of the first and acknowledge it without writing it; so can a send after one whose answer got
 * lost (measured on real brokers).
 */
export function createOneAtATime(): OneAtATime {
  let busy = false
  let spent: RevlogError | undefined
  return {
    get spent() {
      return spent
    },
    async run(call) {
      if (spent !== undefined) {
        throw new RevlogError('E_PRODUCER_SPENT', `the producer has failed before: ${spent.problem}`, {
          cause: spent,
          remedy: 'make a new producer; nobody knows what the failed call has written',
        })
      }
      if (busy) {
        throw new RevlogError('E_PRODUCER_BUSY', 'the producer was called before its last call had settled', {
          remedy: 'await each call of a producer',
        })
      }
      busy = true
      try {
        return await call()
      } catch (error) {
        spent =
          error instanceof RevlogError
            ? error
            : new RevlogError('E_PRODUCER_SPENT', String(error), { cause: error })
        throw error
      } finally {
        busy = false
      }
    },
  }
}
