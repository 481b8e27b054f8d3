import type { TaskId } from '../../../brokers/kafka/group/member.js'

/**
 * Which thread runs which task: as many each, give or take one, the tasks of each part spread, and as many as can be
 * where they were last. The same input gives the same answer.
 *
 * @param homes the thread that has run a task, or kept a copy of its state
 */
export function placeTasks(
  tasks: readonly TaskId[],
  threads: number,
  homes: ReadonlyMap<TaskId, number>,
): readonly (readonly TaskId[])[] {
  const placed = Array.from({ length: threads }, (): TaskId[] => [])
  const orphans: TaskId[] = []
  for (const task of tasks) (placed[homes.get(task) ?? -1] ?? orphans).push(task)

  const least = Math.floor(tasks.length / threads)
  // Who has most keeps one more, as far as the division leaves any.
  const more = placed
    .map((mine, thread) => ({ thread, count: mine.length }))
    .sort((a, b) => b.count - a.count || a.thread - b.thread)
    .slice(0, tasks.length % threads)
  const share = placed.map((_, thread) => least + (more.some((m) => m.thread === thread) ? 1 : 0))

  for (const [thread, mine] of placed.entries()) {
    while (mine.length > share[thread]!) {
      const worst = mine.reduce((a, b) => (countOf(mine, b) > countOf(mine, a) ? b : a))
      orphans.push(...mine.splice(mine.indexOf(worst), 1))
    }
  }
  for (const task of orphans) {
    const room = placed.flatMap((mine, thread) => (mine.length < share[thread]! ? [mine] : []))
    room
      .reduce((a, b) => ((countOf(b, task) - countOf(a, task) || b.length - a.length) < 0 ? b : a))
      .push(task)
  }
  return placed
}

/** How many tasks of the same part there are. */
const countOf = (tasks: readonly TaskId[], task: TaskId): number =>
  tasks.filter((other) => partOf(other) === partOf(task)).length

const partOf = (task: TaskId): string => task.slice(0, task.lastIndexOf('_'))
