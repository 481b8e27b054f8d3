/** A bell that one sleeper waits for: rung by appends, by a stop, by a clock. */
export interface Wake {
  /** Wakes the sleeper; when there is none, the next one does not fall asleep. */
  readonly ring: () => void
  /** Resolves when the bell was rung since the last wait, or when the wall-clock time `until` has come. */
  readonly wait: (until: number) => Promise<void>
}

// Beyond this a timer of Node fires at once.
const LONGEST_TIMER = 2 ** 31 - 1

export function createWake(): Wake {
  let rung = false
  let wakeUp: (() => void) | undefined
  return {
    ring() {
      rung = true
      wakeUp?.()
    },
    wait(until) {
      if (rung) {
        rung = false
        return Promise.resolve()
      }
      return new Promise((resolve) => {
        const timer =
          until === Infinity
            ? undefined
            : setTimeout(() => wakeUp?.(), Math.min(LONGEST_TIMER, Math.max(0, until - Date.now())))
        wakeUp = () => {
          clearTimeout(timer)
          wakeUp = undefined
          rung = false
          resolve()
        }
      })
    },
  }
}
