import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds that never go back; they go on while a process is stopped. */
export const now = (): number => performance.now()

/** What `withDeadline` rejects with. */
export class DeadlineError extends Error {}

/**
 * Settles as `work` does, or rejects when the time is over. After a blocked event loop timers come before sockets:
 * an answer that has already arrived is waited for.
 */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => setImmediate(() => setImmediate(() => reject(new DeadlineError(`no answer in ${timeoutMs} ms`)))),
      timeoutMs,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** 20 ms, doubled for each attempt up to a second, and a quarter of it by chance so that members do not march in step. */
export const backoff = (attempt: number): Promise<void> =>
  sleep(Math.min(1_000, 20 * 2 ** attempt) * (0.75 + Math.random() / 2))

/** A sleep that someone else can end. A wake while nobody sleeps ends the next sleep. */
export interface Alarm {
  sleep(ms: number): Promise<void>
  wake(): void
}

export function createAlarm(): Alarm {
  let woken = false
  let end: (() => void) | undefined
  return {
    async sleep(ms) {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          end = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      end = undefined
      woken = false
    },
    wake() {
      woken = true
      end?.()
    },
  }
}

/** Tells how late a timer of this interval fires, each time: as late as the event loop was blocked. */
export function watchLateness(intervalMs: number, note: (lateMs: number) => void): () => void {
  let due = now() + intervalMs
  const timer = setInterval(() => {
    const at = now()
    note(Math.max(0, at - due))
    due = at + intervalMs
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}
