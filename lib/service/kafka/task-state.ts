import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RevlogError } from '../../core/errors.js'
import { createLmdbBackend } from '../../state/lmdb/backend.js'
import { openEnvironment } from '../../state/lmdb/environment.js'
import type { StateBackend } from '../../state/port.js'

/** Whose state it is. A state of the same name of another cluster has other offsets. */
export interface StateOwner {
  readonly cluster: string | undefined
  readonly application: string
  readonly task: string
}

/** The state of one task on this machine's disk. */
export interface TaskState {
  readonly backend: StateBackend
  /** Why what was there before is not used, in one sentence; `undefined` when it is. */
  readonly discarded: string | undefined
  /** Notes that it is at the end of its changelog now: from then on it ages. */
  readonly touch: () => void
  readonly close: () => Promise<void>
}

interface About extends StateOwner {
  readonly format: number
  /** Of the machine's current run, and whether the state was closed in good order. */
  readonly boot: string
  readonly clean: boolean
  /** When it was last at the end of its changelog. */
  readonly usedAt: number
}

/** A state that is not open, left by an earlier life of its task. */
export interface LeftState {
  readonly task: string
  readonly usedAt: number
  /** Whether its task would go on from it. */
  readonly usable: boolean
}

const FORMAT = 1
/** Half of the changelogs' `delete.retention.ms`: an older state may have missed tombstones that are gone. */
const MAX_AGE_MS = 12 * 3_600_000
const DATABASES = 64

/**
 * Opens the state of a task. It is written without waiting for the device: a crash of the process loses nothing, and
 * a crash of the machine may damage it, which the boot id tells. What cannot be trusted is put aside, for the
 * changelog has all of it.
 *
 * @throws RevlogError `E_STATE_FOREIGN` for a state of another application, cluster or task
 */
export function openTaskState(directory: string, owner: StateOwner, now: number): TaskState {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'about.json')
  const about = readAbout(file)
  if (about !== undefined) checkOwner(about, owner, directory)
  const data = join(directory, 'state')
  const boot = bootId()
  let discarded = whyNot(about, boot, now)
  if (discarded !== undefined) rmSync(data, { recursive: true, force: true })
  let usedAt = about === undefined || discarded !== undefined ? now : about.usedAt
  const write = (clean: boolean): void => {
    const text = JSON.stringify({ format: FORMAT, ...owner, boot, clean, usedAt } satisfies About)
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  // Before LMDB is opened: what it does to the process must not be mistaken for a clean end.
  write(false)
  const open = () => openEnvironment(data, { durability: 'lazy', maxDatabases: DATABASES })
  let environment: ReturnType<typeof open>
  try {
    environment = open()
  } catch (thrown) {
    if (!(thrown instanceof RevlogError && thrown.code === 'E_STATE_FILE_DAMAGED')) throw thrown
    discarded = thrown.problem
    renameSync(data, `${data}.damaged-${now}`)
    environment = open()
  }
  return {
    backend: createLmdbBackend(environment, 'task'),
    discarded,
    touch() {
      usedAt = Date.now()
      write(false)
    },
    async close() {
      await environment.close()
      write(true)
    },
  }
}

/** The states in the directory of an application's tasks, also those that are open now. */
export function leftStates(
  directory: string,
  { cluster, application }: Omit<StateOwner, 'task'>,
  now: number,
): readonly LeftState[] {
  if (!existsSync(directory)) return []
  const boot = bootId()
  return readdirSync(directory).flatMap((task) => {
    const about = readAbout(join(directory, task, 'about.json'))
    if (about?.application !== application || about.cluster !== cluster || about.task !== task) return []
    const usable = whyNot(about, boot, now) === undefined && existsSync(join(directory, task, 'state'))
    return [{ task, usedAt: about.usedAt, usable }]
  })
}

function readAbout(file: string): About | undefined {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as About
  } catch {
    return undefined
  }
}

function whyNot(about: About | undefined, boot: string, now: number): string | undefined {
  if (about === undefined) return undefined
  if (about.format !== FORMAT) return `it has format ${about.format}, this version writes ${FORMAT}`
  if (!about.clean && about.boot !== boot) return 'the machine went down while it was in use'
  if (now - about.usedAt > MAX_AGE_MS)
    return 'it was not used for so long that the changelog may have forgotten deletions'
  return undefined
}

function checkOwner(about: About, owner: StateOwner, directory: string): void {
  for (const part of ['cluster', 'application', 'task'] as const) {
    if (about[part] === owner[part]) continue
    throw new RevlogError(
      'E_STATE_FOREIGN',
      `${directory} holds the state of ${part} ${about[part]}, and this is ${owner[part]}`,
      {
        at: { file: directory },
        remedy:
          'give each application a directory of its own, or delete the state: it is restored from the changelog',
      },
    )
  }
}

/** Of machines that do not tell, it is the same for ever: then only a damaged file gives a crash away. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
