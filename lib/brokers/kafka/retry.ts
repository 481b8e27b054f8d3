import { RevlogError } from '../../core/errors.js'
import { pause } from './settle.js'
import { kafkaErrorOf } from './wire/error-codes.js'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1_000
/** A topic that was just created is not known to every broker yet; one that was deleted never will be. */
const UNKNOWN_TOPIC_MS = 5_000

/** Whether the same call may succeed a moment later. */
export const passes = (error: unknown): boolean =>
  error instanceof RevlogError &&
  (error.code === 'E_BROKER_UNREACHABLE' || kafkaErrorOf(error)?.retriable === true)

export interface RetryOptions {
  /** How long to go on. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Before the next attempt: what went wrong may call for asking again who is responsible. */
  readonly onFailure?: (error: RevlogError) => void
}

/**
 * Runs `attempt` until it resolves, fails for good, or fails for a passing reason when the time is over: then it
 * rejects with that reason. The pauses double, with chance in them so that many clients do not come at once.
 */
export async function retry<T>(options: RetryOptions, attempt: (leftMs: number) => Promise<T>): Promise<T> {
  const { timeoutMs, signal, onFailure } = options
  const start = performance.now()
  let unknownSince: number | undefined
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const left = timeoutMs - (performance.now() - start)
    try {
      return await attempt(left)
    } catch (error) {
      if (!passes(error)) throw error
      const now = performance.now()
      if ((error as RevlogError).code === 'E_TOPIC_UNKNOWN') {
        unknownSince ??= now
        if (now - unknownSince > UNKNOWN_TOPIC_MS) throw error
      } else unknownSince = undefined
      const wait = pauseMs * (0.75 + Math.random() / 2)
      if (now - start + wait > timeoutMs) throw error
      onFailure?.(error as RevlogError)
      await pause(wait, signal)
    }
  }
}
