import { RevlogError } from '../../core/errors.js'

export const aborted = (signal: AbortSignal): RevlogError =>
  new RevlogError('E_ABORTED', 'the call was aborted', { cause: signal.reason })

/**
 * What `promise` settles with, unless the time is over or the signal is aborted first. The promise goes on; what it
 * settles with then is nobody's business any more.
 */
export function settleWithin<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  tooLate: () => RevlogError,
): Promise<T> {
  // Also when nobody waits for it from the start, because the signal was aborted before.
  promise.catch(() => undefined)
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      finish()
      reject(aborted(signal!))
    }
    const timer = setTimer(() => {
      finish()
      reject(tooLate())
    }, timeoutMs)
    // Heard before anything else: whoever has given up must not leave a rejection that nobody handles.
    promise.then(
      (value) => {
        finish()
        resolve(value)
      },
      (error: unknown) => {
        finish()
        reject(error)
      },
    )
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort)
  })
}

const LONGEST_TIMER = 2 ** 31 - 1

/** A timer for any time, also `Infinity`. */
function setTimer(run: () => void, timeoutMs: number): NodeJS.Timeout | undefined {
  return timeoutMs > LONGEST_TIMER ? undefined : setTimeout(run, Math.max(timeoutMs, 0))
}

/** Resolves after that time; rejects when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal))
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(aborted(signal!))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
