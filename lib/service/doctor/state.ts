import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { holdDirectory } from '../../brokers/embedded/hold.js'
import { messageOf, RevlogError } from '../../core/errors.js'
import { localTasks, tasksDirectory } from '../kafka/local-state.js'
import { type Check, note, ok } from './check.js'

/** By the numbers of Linux, on which a map of LMDB does not work or has other bytes than another machine's. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9p'],
])
const FEW_BYTES = 1 << 30

/** Whether state can be kept in a directory, and whose is there. Nothing is made. */
export async function checkState(
  directory: string,
  application: string,
  cluster: string | undefined,
): Promise<readonly Check[]> {
  const path = resolve(directory)
  const there = existing(path)
  const warn = (code: string, said: string, remedy: string): Check => ({
    area: 'state',
    severity: 'warning',
    code,
    said,
    remedy,
  })
  try {
    accessSync(there, constants.W_OK | constants.X_OK)
  } catch (thrown) {
    return [
      {
        area: 'state',
        severity: 'error',
        code: 'E_STATE_DIR_NOT_WRITABLE',
        said: `${there} cannot be written: ${messageOf(thrown)}`,
        remedy: 'give this user the right to write there, or name another folder with --dir',
      },
    ]
  }
  const checks: Check[] = []
  const { type, bavail, bsize } = statfsSync(there)
  const network = NETWORK_FILE_SYSTEMS.get(type >>> 0)
  if (network !== undefined) {
    const remedy = 'keep state on a local disk: it is restored from its changelog where it is missing'
    checks.push({
      area: 'state',
      severity: 'error',
      code: 'E_STATE_DIR_REMOTE',
      said: `${there} is on ${network}, where LMDB does not work`,
      remedy,
    })
  }
  if (path.startsWith(tmpdir() + sep)) {
    const remedy = 'name another folder with --dir: what is deleted is restored, which takes its time'
    checks.push(warn('E_STATE_DIR_TEMPORARY', `${path} is in a folder for temporary files`, remedy))
  }
  if (bavail * bsize < FEW_BYTES) {
    const said = `the disk of ${there} has ${Math.round((bavail * bsize) / (1 << 20))} MiB left`
    checks.push(warn('E_STATE_DISK_FULL', said, 'make room, or name another folder with --dir'))
  }
  checks.push(...foreign(path, application, cluster))
  const holder = existsSync(path) ? await holderOf(path) : undefined
  if (holder !== undefined) checks.push(note('state', holder))
  const tasks = localTasks(path)
  const has = tasks.length === 0 ? 'no task has state there yet' : `there is state of ${tasks.join(', ')}`
  return checks.some(({ severity }) => severity === 'error')
    ? checks
    : [ok('state', `${path} can be written; ${has}`), ...checks]
}

/** The directory, or the next one above that exists. */
const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)))

/** A member that runs is no fault. */
async function holderOf(path: string): Promise<string | undefined> {
  try {
    const release = await holdDirectory(path)
    await release()
    return undefined
  } catch (thrown) {
    if (thrown instanceof RevlogError && thrown.code === 'E_STATE_DIR_LOCKED') return thrown.problem
    throw thrown
  }
}

function foreign(path: string, application: string, cluster: string | undefined): readonly Check[] {
  return localTasks(path).flatMap((task): readonly Check[] => {
    const file = join(tasksDirectory(path), task, 'about.json')
    if (!existsSync(file)) return []
    const about = JSON.parse(readFileSync(file, 'utf8')) as { application?: string; cluster?: string }
    if (about.application === application && about.cluster === cluster) return []
    return [
      {
        area: 'state',
        severity: 'error',
        code: 'E_STATE_FOREIGN',
        said: `the state of ${task} is of application ${about.application} on cluster ${about.cluster}, and this is ${application} on ${cluster}`,
        remedy: 'name another folder with --dir, or delete the state: it is restored from the changelog',
      },
    ]
  })
}
