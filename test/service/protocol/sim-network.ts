import type { Random } from '../../state/random.js'

/** The wire between one process and the cluster. A call is applied some time, answered some time, or never. */
export interface SimNetwork {
  readonly random: Random
  /** @param apply what the cluster does when the request arrives; what it throws is its answer */
  readonly call: <T>(apply: () => T) => Promise<T>
}

export class SimCrash extends Error {}
export class SimLost extends Error {}

interface Pending {
  readonly apply: () => void
  answer: (() => void) | undefined
  readonly fail: (error: Error) => void
}

/** One life of a process, as the simulation holds it. */
export interface Wire extends SimNetwork {
  readonly busy: () => boolean
  /** Lets one request arrive, or one answer; true when there was any. `lossy`: it may get lost. */
  readonly deliver: (lossy: boolean) => boolean
  /** The process is gone: what it had sent may still arrive, nothing is answered. */
  readonly cut: () => void
}

export function createWire(random: Random): Wire {
  let requests: Pending[] = []
  let answers: (() => void)[] = []
  let dead = false

  return {
    random,
    call: (apply) =>
      new Promise((resolve, reject) => {
        if (dead) return
        const pending: Pending = {
          apply() {
            try {
              const result = apply()
              pending.answer = () => resolve(result)
            } catch (thrown) {
              pending.answer = () => reject(thrown as Error)
            }
          },
          answer: undefined,
          fail: reject,
        }
        requests.push(pending)
      }),
    busy: () => requests.length + answers.length > 0,
    deliver(lossy) {
      if (answers.length > 0 && (requests.length === 0 || random.chance(0.5))) {
        const [answer] = answers.splice(random.integer(answers.length), 1)
        if (!dead) answer!()
        return true
      }
      if (requests.length === 0) return false
      const [request] = requests.splice(random.integer(requests.length), 1)
      const fate = lossy ? random.integer(60) : 60
      if (fate !== 0) request!.apply()
      // A request that never arrived and an answer that never came look alike.
      answers.push(fate <= 1 ? () => request!.fail(new SimLost('no answer')) : request!.answer!)
      return true
    },
    cut() {
      dead = true
      requests = requests.filter(() => random.chance(0.5))
      answers = []
    },
  }
}
