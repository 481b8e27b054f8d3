import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the tasks of a process keep their state, below its directory. */
export const tasksDirectory = (directory: string): string => join(directory, 'tasks')

/** The tasks that have state on this machine. */
export function localTasks(directory: string): readonly string[] {
  const tasks = tasksDirectory(directory)
  return existsSync(tasks) ? readdirSync(tasks).sort() : []
}
