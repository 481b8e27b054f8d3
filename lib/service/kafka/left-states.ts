import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TaskId, WarmTask } from '../../brokers/kafka/group/member.js'
import { leftStates, type StateOwner } from './task-state.js'

/** State on this disk of tasks that are somewhere else now. */
export interface LeftStates {
  /** For the group, so that tasks come back to where their state is. How far they are behind is not known. */
  readonly warm: () => readonly WarmTask[]
  readonly stop: () => void
}

/** Kafka Streams' `state.cleanup.delay.ms`: a task that comes back within it finds its state. */
const CLEANUP_MS = 600_000
const LOOK_MS = 60_000

/**
 * Looks after them: what nobody came back to is removed.
 *
 * @param directory where the states are, each in a directory of its task's name
 * @param inUse whether the task runs here, or a copy of its state is kept here, or that may still be so
 */
export function keepLeftStates(
  directory: string,
  owner: Omit<StateOwner, 'task'>,
  inUse: (task: TaskId) => boolean,
): LeftStates {
  const startedAt = Date.now()
  const timer = setInterval(() => removeOld(directory, owner, inUse, startedAt, Date.now()), LOOK_MS).unref()
  return {
    warm: () =>
      leftStates(directory, owner, Date.now())
        .filter(({ task, usable }) => usable && !inUse(task))
        .map(({ task }) => ({ task })),
    stop: () => clearInterval(timer),
  }
}

/** @param startedAt of this process: what earlier ones have left waits as long for its task */
export function removeOld(
  directory: string,
  owner: Omit<StateOwner, 'task'>,
  inUse: (task: TaskId) => boolean,
  startedAt: number,
  now: number,
): void {
  for (const { task, usedAt } of leftStates(directory, owner, now)) {
    if (inUse(task) || now - Math.max(usedAt, startedAt) < CLEANUP_MS) continue
    try {
      rmSync(join(directory, task), { recursive: true, force: true })
    } catch {
      // It is tried again, and does no harm meanwhile.
    }
  }
}
