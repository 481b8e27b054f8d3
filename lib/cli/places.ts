import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RevlogError } from '../core/errors.js'
import type { Topology } from '../topology/topology.js'
import { usageError } from './arguments.js'

/** Where applications keep topics and state, below the folder that a command is started in. */
export const ROOT = '.revlog'

/** The folder of an application, as `run` chooses it. */
export const directoryOf = (topology: Topology): string => join(ROOT, topology.name)

/**
 * The folder that `produce` and `consume` work on: the one that was named, else that of the topology, else the
 * only one there is.
 *
 * @throws RevlogError `E_USAGE` when it cannot be known
 */
export function directoryFor(
  command: string,
  named: string | undefined,
  topology: Topology | undefined,
): string {
  if (named !== undefined) return named
  if (topology !== undefined) return directoryOf(topology)
  const found = isDirectory(ROOT)
    ? readdirSync(ROOT).filter((name) => existsSync(join(ROOT, name, 'data.mdb')))
    : []
  const [only, another] = found
  if (only !== undefined && another === undefined) return join(ROOT, only)
  const problem =
    only === undefined
      ? `nothing has run below ${ROOT} here, so it is not known which topics are meant`
      : `there are several applications in ${ROOT}: ${found.join(', ')}`
  throw usageError(command, problem, 'name the folder with --dir, or the topology with --topology')
}

/** @throws RevlogError `E_DIRECTORY_NOT_FOUND`: reading must not make an empty folder. */
export function existing(directory: string): string {
  if (isDirectory(directory)) return directory
  throw new RevlogError('E_DIRECTORY_NOT_FOUND', `there is no folder ${directory}`, {
    remedy: 'run or produce something first, or name another folder with --dir',
  })
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Uses a folder that is removed afterwards, also when the process ends in the middle of it. */
export async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'revlog-run-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    return await use(folder)
  } finally {
    remove()
    process.off('exit', remove)
  }
}
