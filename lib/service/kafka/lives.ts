import type { TaskId } from '../../brokers/kafka/group/member.js'

/**
 * What uses the state of a task in this process, one thing after the other: running it, keeping a copy warm, removing
 * it. Whatever the group says, and however fast it changes its mind, a state is never open twice.
 */
export interface Lives {
  /** Begins once all that began before with this task has ended. */
  readonly begin: (task: TaskId, live: () => Promise<void>) => void
  /** Resolves when nothing is in use any more. */
  readonly ended: () => Promise<void>
}

/** @param onFailure told what a life ends with that does not settle its own failures */
export function createLives(onFailure: (error: unknown) => void): Lives {
  const ends = new Map<TaskId, Promise<void>>()
  return {
    begin(task, live) {
      ends.set(task, (ends.get(task) ?? Promise.resolve()).then(live).catch(onFailure))
    },
    async ended() {
      await Promise.all(ends.values())
    },
  }
}
