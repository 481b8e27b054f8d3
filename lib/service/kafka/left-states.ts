import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TaskId, WarmTask } from '../../brokers/kafka/group/member.js'
import type { Lives } from './lives.js'
import { leftStates, type StateOwner } from './task-state.js'

/** Kafka Streams' `state.cleanup.delay.ms`: a task that comes back within it finds its state. */
const CLEANUP_MS = 600_000

export interface LeftStatesOptions {
  /** Where the states of tasks are, each in a directory of its name. */
  readonly directory: string
  readonly owner: Omit<StateOwner, 'task'>
  readonly lives: Lives
  /** Whether the task runs here, or a copy of its state is kept here. */
  readonly inUse: (task: TaskId) => boolean
}

/** State on this disk of tasks that are somewhere else now. */
export interface LeftStates {
  /** For the group, so that tasks come back to where their state is. How far they are behind is not known. */
  readonly warm: () => readonly WarmTask[]
  /** Removes what nobody came back to; of what earlier runs have left, not before this one is as old. */
  readonly removeOld: (now: number) => void
}

export function createLeftStates(options: LeftStatesOptions, startedAt: number): LeftStates {
  const { directory, owner, lives, inUse } = options
  return {
    warm: () =>
      leftStates(directory, owner, Date.now())
        .filter(({ task, usable }) => usable && !inUse(task))
        .map(({ task }) => ({ task })),
    removeOld(now) {
      for (const { task, usedAt } of leftStates(directory, owner, now)) {
        if (inUse(task) || now - Math.max(usedAt, startedAt) < CLEANUP_MS) continue
        lives.begin(task, async () => {
          if (inUse(task)) return
          try {
            rmSync(join(directory, task), { recursive: true, force: true })
          } catch {
            // It is tried again, and does no harm meanwhile.
          }
        })
      }
    },
  }
}
