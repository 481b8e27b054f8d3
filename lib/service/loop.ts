import type { Arrivals } from '../brokers/embedded/directory.js'
import { RevlogError } from '../core/errors.js'
import type { Metrics } from '../core/metrics.js'
import type { ServiceEvent } from './events.js'
import type { HostedTask, Progress } from './hosted-task.js'
import type { Wake } from './wake.js'

/**
 * Writes the effects of some tasks in one transaction, at once; resolves when that is on the disk. `due` is called once,
 * inside it, and may process before it says which. About `pendingBytes` wait in all tasks before that.
 */
export type Commit = (due: () => readonly HostedTask[], pendingBytes: number) => Promise<void>

export interface LoopOptions {
  /** Those that run now. */
  readonly tasks: () => readonly HostedTask[]
  readonly commit: Commit
  /** What a commit could bring and answer at the same time, where there is such. */
  readonly arrivals?: Arrivals
  readonly wake: Wake
  readonly commitIntervalMs: number
  /** Commits at the latest when so much waits in one task. */
  readonly maxPendingBytes: number
  readonly metrics: Metrics
  readonly stopping: () => boolean
  /** While true nothing more is processed, and what was processed is committed at once. */
  readonly held?: () => boolean
  /** Called after each flush and whenever there is nothing to do. */
  readonly onSettled: (flushed: boolean) => void
  /** A bounded piece of housekeeping; true when there is more. */
  readonly tidy: () => boolean
  readonly onEvent: (event: ServiceEvent) => void
}

/** The event loop gets its turn at least so often. */
const SLICE_MS = 8
const RETRY_MS = 500
/**
 * Who is behind answers late anyway; larger commits are what lets it catch up. So a commit that took long is not
 * followed by the next before this multiple of its time, up to a limit.
 */
const COMMIT_SHARE = 1
const LONGEST_INTERVAL_MS = 500
/** Who has had more to do for so long is behind; what comes in a burst is soon done. */
const BEHIND_AFTER_MS = 50

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Processes until it is told to stop, and commits what it processed. While one commit is being flushed the next
 * batch is processed and kept back, so at most one transaction is ever under way. What has caught up commits at
 * once; who is behind, when its time is over or its memory full; and every task that has anything takes part in each
 * transaction. What producers hand over is written, processed and answered in one transaction, unless the tasks are behind.
 *
 * Returns when everything that was processed is on the disk.
 *
 * @throws whatever stops a task; what was not committed is then as if it had never been processed
 */
export async function runLoop(options: LoopOptions): Promise<void> {
  const { wake, metrics, stopping, held = () => false, arrivals } = options
  const commits = metrics.counter('commit-total')
  const commitMs = metrics.histogram('commit-ms')
  let flushing = false
  let failed: { readonly error: unknown } | undefined
  let paused = false
  let dirtySince: number | undefined
  let interval = options.commitIntervalMs
  let first = 0
  let progress: Progress = 'nothing'
  /** Since when there has been more to do, turn after turn. */
  let moreSince: number | undefined

  const dirty = (): HostedTask[] => options.tasks().filter(({ task }) => task.dirty())

  const full = (): boolean =>
    options.tasks().some(({ task }) => task.pendingBytes() >= options.maxPendingBytes)

  function turn(): Progress {
    const wallTime = Date.now()
    const deadline = performance.now() + SLICE_MS
    let progress: Progress = 'nothing'
    const tasks = options.tasks()
    for (let i = 0; i < tasks.length; i++) {
      // Each turn begins with another task, so that none waits behind a busy one.
      const own = tasks[(first + i) % tasks.length]!.run(wallTime, deadline)
      if (own === 'more' || progress === 'nothing') progress = own
    }
    first = (first + 1) % Math.max(1, tasks.length)
    if (progress !== 'more') moreSince = undefined
    else moreSince ??= deadline
    return progress
  }

  /** What has arrived is written, and processed at once. */
  function takeIn(): void {
    arrivals!.takeIn()
    progress = turn()
  }

  /** False when the disk is full: nothing was written, and it is worth another try. */
  function commit(before: () => void = () => {}): boolean {
    const started = performance.now()
    const pendingBytes = options.tasks().reduce((sum, { task }) => sum + task.pendingBytes(), 0)
    try {
      const flush = options.commit(() => {
        before()
        return dirty()
      }, pendingBytes)
      const took = Math.min(LONGEST_INTERVAL_MS, COMMIT_SHARE * (performance.now() - started))
      interval = Math.max(options.commitIntervalMs, took)
      flushing = true
      flush
        .then(
          () => {
            commits.add()
            commitMs.record(performance.now() - started)
            options.onSettled(true)
          },
          (error: unknown) => {
            failed = { error }
          },
        )
        .finally(() => {
          flushing = false
          wake.ring()
        })
    } catch (thrown) {
      if (!(thrown instanceof RevlogError) || thrown.code !== 'E_STATE_DISK_FULL' || stopping()) throw thrown
      if (!paused) options.onEvent({ kind: 'paused', error: thrown })
      paused = true
      return false
    }
    if (paused) options.onEvent({ kind: 'resumed' })
    paused = false
    dirtySince = undefined
    return true
  }

  /** Then what is handed over is taken into the next commit. */
  const keepsUp = (): boolean =>
    !stopping() &&
    !paused &&
    !held() &&
    (moreSince === undefined || performance.now() - moreSince < BEHIND_AFTER_MS)

  const leave = arrivals?.takenBy(() => {
    wake.ring()
    return keepsUp()
  })
  try {
    while (!stopping()) {
      if (failed !== undefined) throw failed.error
      if (arrivals?.waiting() === true && keepsUp() && !flushing) {
        if (!commit(takeIn)) await wake.wait(Date.now() + RETRY_MS)
        continue
      }
      progress = paused || held() ? 'nothing' : turn()
      const now = performance.now()
      const waiting = options.tasks().some(({ task }) => task.dirty())
      if (waiting) dirtySince ??= now
      const due = waiting && (progress !== 'more' || now - dirtySince! >= interval || full())
      if (due && !flushing && !commit()) {
        await wake.wait(Date.now() + RETRY_MS)
        continue
      }
      if (progress !== 'nothing' && !(flushing && full())) {
        await nextTurn()
      } else if (flushing || waiting) {
        await wake.wait(wakeAt(options.tasks()))
      } else {
        options.onSettled(false)
        if (options.tidy()) await nextTurn()
        else await wake.wait(wakeAt(options.tasks()))
      }
    }
  } finally {
    leave?.()
  }
  while (flushing) await wake.wait(Infinity)
  if (failed !== undefined) throw (failed as { readonly error: unknown }).error
  if (dirty().length > 0) {
    commit()
    while (flushing) await wake.wait(Infinity)
    if (failed !== undefined) throw (failed as { readonly error: unknown }).error
  }
}

const wakeAt = (tasks: readonly HostedTask[]): number =>
  tasks.reduce((earliest, { task }) => Math.min(earliest, task.wakeAt()), Infinity)
