import type { HostedTask } from './hosted-task.js'
import type { Journal } from './journal.js'

/** Finds out when everything that was in the log at some moment, and all that it led to, is answered and durable. */
export interface CaughtUp {
  readonly wait: () => Promise<void>
  /** Durable positions have moved. */
  readonly check: () => void
  /** The service has ended: nobody is kept waiting. */
  readonly end: (error: unknown) => void
}

interface Waiter {
  targets: readonly Target[]
  rounds: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Target {
  readonly hosted: HostedTask
  readonly topic: string
  readonly offset: number
}

/**
 * A record can pass as many tasks as there are sub-topologies, each through a topic of the application's own. So
 * a waiter first waits for the ends that it found, and then, as often as there are sub-topologies, for the new
 * ends of those topics. What others produce meanwhile does not keep it waiting.
 */
export function createCaughtUp(tasks: readonly HostedTask[], journal: Journal): CaughtUp {
  let waiters: readonly Waiter[] = []
  let ended: { readonly error: unknown } | undefined
  const parts = new Set(tasks.map(({ task }) => task.part)).size

  const targetsOf = (internal: boolean): Target[] =>
    tasks.flatMap((hosted) =>
      hosted.task.part.inputs
        .filter((input) => hosted.task.topics.includes(input.topic.name) && (input.internal || !internal))
        .map(({ topic: { name: topic } }) => ({
          hosted,
          topic,
          offset: journal.endOffset(topic, hosted.task.partition),
        })),
    )

  /** True when the waiter need not wait any more. */
  function advance(waiter: Waiter): boolean {
    for (;;) {
      if (waiter.targets.some(({ hosted, topic, offset }) => hosted.durable(topic) < offset)) return false
      if (waiter.rounds === 0) return true
      waiter.rounds--
      waiter.targets = targetsOf(true)
    }
  }

  return {
    wait() {
      if (ended !== undefined) return Promise.reject(ended.error)
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { targets: targetsOf(false), rounds: parts - 1, resolve, reject }
        if (advance(waiter)) resolve()
        else waiters = [...waiters, waiter]
      })
    },
    check() {
      if (waiters.length === 0) return
      const done = waiters.filter(advance)
      waiters = waiters.filter((waiter) => !done.includes(waiter))
      for (const waiter of done) waiter.resolve()
    },
    end(error) {
      ended = { error }
      for (const waiter of waiters) waiter.reject(error)
      waiters = []
    },
  }
}
