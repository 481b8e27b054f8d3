import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the system keeps groups of processes, and how it calls their limit and what they had at most. */
const VERSIONS = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak' },
] as const

/**
 * Runs something while this process may use only so much memory, as in a container with a limit: file pages that it
 * mapped or wrote count too, the system takes them back when it gets close, and ends the process where that is not enough.
 *
 * @returns what `run` returned, and the most that was in use at a time, in MiB
 * @throws RangeError where the system does not let this user make such a group
 */
export async function withMemoryLimit<T>(
  mib: number,
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly peakMiB: number }> {
  const version = VERSIONS.find(({ root, limit }) => existsSync(join(root, limit)) || limit === 'memory.max')!
  const group = join(version.root, `revlog-bench-${process.pid}`)
  try {
    mkdirSync(group)
    writeFileSync(join(group, version.limit), String(mib * 2 ** 20))
    writeFileSync(join(group, 'cgroup.procs'), String(process.pid))
  } catch (thrown) {
    throw new RangeError(
      `--memory needs a user that may make groups in ${version.root} (Linux, root): ${thrown}`,
    )
  }
  try {
    const result = await run()
    const peak = Number(readFileSync(join(group, version.peak), 'utf8'))
    return { result, peakMiB: Math.round(peak / 2 ** 20) }
  } finally {
    writeFileSync(join(version.root, 'cgroup.procs'), String(process.pid))
    rmdirSync(group)
  }
}
