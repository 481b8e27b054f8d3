import type { TaskId } from '../../brokers/kafka/group/member.js'

/**
 * What uses the state of a task in this thread, one thing after the other: running it, keeping a copy warm. Whatever
 * the group says, and however fast it changes its mind, a state is never open twice.
 */
export interface Lives {
  /** Begins once all that began before with this task has ended. */
  readonly begin: (task: TaskId, live: () => Promise<void>) => void
  /** Tasks whose state is open, or about to be. */
  readonly inUse: () => ReadonlySet<TaskId>
  /** Resolves when nothing is in use any more. */
  readonly ended: () => Promise<void>
}

/**
 * @param onFailure told what a life ends with that does not settle its own failures
 * @param onEnd a state is not in use any more
 */
export function createLives(onFailure: (error: unknown) => void, onEnd: () => void = () => {}): Lives {
  const ends = new Map<TaskId, Promise<void>>()
  return {
    begin(task, live) {
      const end = (ends.get(task) ?? Promise.resolve())
        .then(live)
        .catch(onFailure)
        .then(() => {
          if (ends.get(task) !== end) return
          ends.delete(task)
          onEnd()
        })
      ends.set(task, end)
    },
    inUse: () => new Set(ends.keys()),
    async ended() {
      await Promise.all(ends.values())
    },
  }
}
