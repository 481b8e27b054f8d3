import type { Cleaner } from '../brokers/embedded/cleaner.js'
import { RevlogError } from '../core/errors.js'
import type { HostedTask } from './hosted-task.js'

/** What is done when there is nothing better to do, a bounded piece at a time. */
export interface Housekeeping {
  /** True when there is more to do now. */
  readonly step: () => boolean
}

/** To look for work costs a row for each partition of each topic: not after every record of a quiet service. */
const REST_MS = 1_000

/**
 * Compaction and retention of every topic, and of repartition topics what has been read: nobody else reads them,
 * and their records are as old as the events that they stand for, so retention by age would take unread ones.
 */
export function createHousekeeping(cleaner: Cleaner, tasks: readonly HostedTask[]): Housekeeping {
  let restUntil = 0
  const internal = tasks.flatMap((hosted) =>
    hosted.task.part.inputs
      .filter((input) => input.internal && hosted.task.topics.includes(input.topic.name))
      .map((input) => ({ hosted, topic: input.topic.name })),
  )
  return {
    step() {
      const wallTime = Date.now()
      if (wallTime < restUntil) return false
      const more = tidy(wallTime)
      if (!more) restUntil = wallTime + REST_MS
      return more
    },
  }

  function tidy(wallTime: number): boolean {
    try {
      let { more } = cleaner.clean({ wallTime })
      for (const { hosted, topic } of internal) {
        const deleted = cleaner.deleteBelow(topic, hosted.task.partition, hosted.begins(topic))
        more = deleted.more || more
      }
      return more
    } catch (thrown) {
      // To tidy up takes room too. It can wait; whoever must write will say that the disk is full.
      if (thrown instanceof RevlogError && thrown.code === 'E_STATE_DISK_FULL') return false
      throw thrown
    }
  }
}
