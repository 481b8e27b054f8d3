import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskId } from '../../brokers/kafka/group/member.js'
import { messageOf, RevlogError } from '../../core/errors.js'
import type { OpenChangelog } from './changelog-log.js'
import { isFinal } from './failures.js'
import { followChangelog } from './follow-changelog.js'
import type { Lives } from './lives.js'
import type { TaskState } from './task-state.js'

/** Warm copies of the state of tasks that run elsewhere. */
export interface Standbys {
  /** Begins those that are new and ends the others. Opening the state to run the task waits for that end. */
  readonly assign: (tasks: readonly TaskId[]) => void
  /** How many records of its changelog each copy is behind; `undefined` until the log was looked at. */
  readonly lags: () => ReadonlyMap<TaskId, number | undefined>
}

export interface StandbyOptions {
  readonly lives: Lives
  readonly openState: (task: TaskId) => TaskState
  readonly openChangelog: (task: TaskId, signal: AbortSignal) => OpenChangelog
  /** A copy has reached the end of its changelog for the first time, after so many records. */
  readonly onWarm: (task: TaskId, records: number) => void
  readonly onDiscarded: (task: TaskId, reason: string) => void
  readonly onWarning: (error: RevlogError) => void
}

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 30_000
/** What a moment can explain (an owner that has just changed) is tried again before a person hears of it. */
const WARN_AFTER = 5
/** A state that is kept says so often that it is not old. */
const TOUCH_MS = 60_000

interface Standby {
  readonly task: TaskId
  readonly over: AbortController
  lag: number | undefined
}

export function createStandbys(options: StandbyOptions): Standbys {
  const kept = new Map<TaskId, Standby>()

  /** A copy is nobody's answer: what goes wrong with it is tried again, and never ends the service. */
  async function live(standby: Standby): Promise<void> {
    const {
      task,
      over: { signal },
    } = standby
    let warm = false
    for (let failures = 0; !signal.aborted; ) {
      try {
        await keep(standby, (records) => {
          failures = 0
          if (!warm) options.onWarm(task, records)
          warm = true
        })
      } catch (thrown) {
        if (signal.aborted) return
        failures++
        if (failures === WARN_AFTER && isFinal(thrown)) options.onWarning(cold(task, thrown))
        const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures)
        await sleep(delay, undefined, { signal }).catch(() => {})
      }
    }
  }

  async function keep(standby: Standby, onReached: (records: number) => void): Promise<void> {
    const { task, over } = standby
    const state = options.openState(task)
    const log = options.openChangelog(task, over.signal)
    try {
      if (state.discarded !== undefined) options.onDiscarded(task, state.discarded)
      let touched = 0
      const onLag = (records: number): void => {
        standby.lag = records
      }
      await followChangelog(state.backend, log, over.signal, onLag, (records) => {
        if (Date.now() - touched >= TOUCH_MS) {
          touched = Date.now()
          state.touch()
        }
        onReached(records)
      })
    } finally {
      log.close()
      await state.close()
    }
  }

  return {
    assign(tasks) {
      for (const standby of [...kept.values()]) {
        if (tasks.includes(standby.task)) continue
        kept.delete(standby.task)
        standby.over.abort()
      }
      for (const task of tasks) {
        if (kept.has(task)) continue
        const standby: Standby = { task, over: new AbortController(), lag: undefined }
        kept.set(task, standby)
        options.lives.begin(task, () => live(standby))
      }
    },
    lags: () => new Map([...kept.values()].map(({ task, lag }) => [task, lag])),
  }
}

const cold = (task: TaskId, cause: unknown): RevlogError =>
  new RevlogError('E_STANDBY', `the copy of ${task} cannot be kept: ${messageOf(cause)}`, {
    cause,
    remedy: 'the task itself runs elsewhere and goes on; should it come here, this has to be put right',
  })
