import { setMaxListeners } from 'node:events'
import { RevlogError } from '../../core/errors.js'
import { NO_TOKEN } from './oauth-bearer.js'
import { aborted, pause, settleWithin } from './settle.js'
import { HANDSHAKE_CUT_OFF, unreachable } from './transport-error.js'
import { kafkaErrorOf } from './wire/error-codes.js'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1_000
/** A topic that was just created is not known to every broker yet; one that was deleted never will be. */
const UNKNOWN_TOPIC_MS = 5_000

/** Whether the same call may succeed a moment later. */
export const passes = (error: unknown): boolean =>
  error instanceof RevlogError &&
  (error.code === 'E_BROKER_UNREACHABLE' ||
    error.cause === HANDSHAKE_CUT_OFF ||
    error.cause === NO_TOKEN ||
    kafkaErrorOf(error)?.retriable === true)

export interface RetryOptions {
  /** How long to go on. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Told the last reason of a call that has been repeated for `lateMs`, and then each minute. */
  readonly onLate?: (failure: RevlogError, ms: number) => void
  /** 10,000 when absent. */
  readonly lateMs?: number
}

const LATE_MS = 10_000
const LATE_AGAIN_MS = 60_000

/**
 * Runs `attempt` until it resolves, fails for good, or the time is over: then it rejects with the last passing reason,
 * also when the last attempt has not settled yet. Its signal is aborted then, so that it sends nothing later when nobody
 * expects it any more. The pauses double, with chance in them so that many clients do not come at once.
 */
export async function retry<T>(
  options: RetryOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const givenUp = new AbortController()
  // Requests to many brokers listen to it at once.
  setMaxListeners(0, givenUp.signal)
  try {
    return await repeat(options, () => attempt(givenUp.signal))
  } catch (error) {
    givenUp.abort()
    throw error
  }
}

async function repeat<T>(
  { timeoutMs, signal, onLate, lateMs = LATE_MS }: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const start = performance.now()
  let unknownSince: number | undefined
  let failure: RevlogError | undefined
  let lateAfter = lateMs
  const tooLate = (): RevlogError => failure ?? unreachable('Kafka', `no answer within ${timeoutMs} ms`)
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    if (signal?.aborted === true) throw aborted(signal)
    const left = timeoutMs - (performance.now() - start)
    try {
      return await settleWithin(attempt(), left, signal, tooLate)
    } catch (error) {
      if (!passes(error)) throw error
      failure = error as RevlogError
      const now = performance.now()
      if (failure.code === 'E_TOPIC_UNKNOWN') {
        unknownSince ??= now
        if (now - unknownSince > UNKNOWN_TOPIC_MS) throw error
      } else unknownSince = undefined
      if (now - start >= lateAfter) {
        lateAfter = now - start + LATE_AGAIN_MS
        onLate?.(failure, now - start)
      }
      const wait = pauseMs * (0.75 + Math.random() / 2)
      if (now - start + wait > timeoutMs) throw error
      await pause(wait, signal)
    }
  }
}
