import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RevlogError } from '../../../core/errors.js'
import { fatalError, meaningOf } from './answers.js'
import { type Joined, joinOnce } from './join.js'
import type { Member } from './member.js'
import type { MembershipOptions } from './membership-options.js'
import { commitOffsets, fetchOffsets } from './offsets.js'
import { heartbeatRequest, leaveRequest, type Who } from './requests.js'
import { backoff, createAlarm, DeadlineError, now, watchLateness, withDeadline } from './timing.js'

const LEAVE_MS = 3_000
const NO_GENERATION = -1
const STORM = { rebalances: 10, withinMs: 60_000 }

/**
 * A member of a consumer group, in Kafka's classic group protocol, until it is told to leave or refused for good.
 *
 * ```text
 *            ┌──────────────── another try, with back-off ───────────────┐
 *            ▼                                                           │
 *   join ─ JoinGroup ─ (leader: assign) ─ SyncGroup ─ onAssigned ─ heartbeats ─┬─ rebalance: onRevoke ─ join
 *                                                                              └─ expelled:  onLost ─── join
 * ```
 *
 * Heartbeats run on a timer of their own, whatever the host does, also while it revokes. What keeps the host honest:
 *
 * - Without an answered heartbeat for a session timeout, others may have the tasks: `onLost`, without asking (a process
 *   that was stopped and wakes up, a network that is cut).
 * - An assignment whose generation is not the one after that of the last: someone may have had the tasks in
 *   between. `onLost` comes first then.
 * - A commit is made for a generation, not for whatever generation is current.
 */
export function joinGroup(options: MembershipOptions): Member {
  const { coordinator, instanceId, onWarning = () => undefined } = options
  const { group } = coordinator
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000
  const rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? 60_000
  const heartbeatIntervalMs = options.heartbeatIntervalMs ?? 500
  const revokeTimeoutMs = options.revokeTimeoutMs ?? rebalanceTimeoutMs / 2
  const answerMs = Math.max(1_000, sessionTimeoutMs / 2)
  const alarm = createAlarm()

  let memberId = ''
  /** The generation for which commits are made. */
  let current: number | undefined
  /** The generation of the assignment that the host has, from `onAssigned` to `onLost`. */
  let held: number | undefined
  let ended = false
  let wanted = false
  let unreachable = false
  /** When a request was sent that the coordinator has answered. */
  let heard = now()
  let noticed = now()
  const assignedAt: number[] = []
  const stats = { rebalances: 0, losses: 0, lastRebalanceMs: 0, heartbeatLateMs: 0 }

  const who = (generation: number): Who => ({ group, memberId, instanceId, generation })

  const drop = (reason: string): void => {
    current = undefined
    if (held === undefined) return
    held = undefined
    noticed = now()
    stats.losses++
    if (!ended) options.onLost(reason)
  }

  const expelled = (code: number): void => {
    // Only an unknown member needs a new name. One that was fenced keeps its own, so that its join is refused for good.
    if (code === 25) memberId = ''
    drop(`the group has gone on without this member (Kafka's error ${code})`)
    alarm.wake()
  }

  /** When nobody has answered for a session, the group may have given our tasks to others. */
  const dropWhenSilent = (): boolean => {
    const silentMs = Math.round(now() - heard)
    if (silentMs < sessionTimeoutMs) return false
    drop(`no heartbeat was answered for ${silentMs} ms, the session timeout is ${sessionTimeoutMs} ms`)
    return true
  }

  const failed = (error: unknown): void => {
    if (error instanceof RevlogError) throw error
    if (!dropWhenSilent() || unreachable) return
    unreachable = true
    onWarning(
      new RevlogError('E_GROUP_UNREACHABLE', `the coordinator of group ${group} does not answer`, {
        cause: error,
        remedy: 'see that the brokers run and can be reached; it is tried again until they do',
      }),
    )
  }

  const answered = (sentAt: number): void => {
    heard = sentAt
    unreachable = false
  }

  /**
   * While a join waits for the others, the host goes on with what it has. Heartbeats of the last generation tell
   * whether the group still waits for us too: the answer that says otherwise may be lost.
   */
  const watch = (): { readonly end: () => void } => {
    const over = new AbortController()
    void (async () => {
      for (;;) {
        await sleep(heartbeatIntervalMs, undefined, { signal: over.signal })
        if (dropWhenSilent()) return
        const sentAt = now()
        const generation = held
        const beat = coordinator.ask(heartbeatRequest(who(generation ?? NO_GENERATION)), answerMs, 'aside')
        const code = await beat.then(
          ({ errorCode }) => errorCode,
          () => undefined,
        )
        if (over.signal.aborted) return
        // Who has nothing to lose only learns that somebody is there.
        const ours = generation === undefined || ['fine', 'rebalance'].includes(meaningOf(code ?? 0))
        if (code !== undefined && ours) answered(sentAt)
      }
    })().catch(() => undefined)
    return { end: () => over.abort() }
  }

  const join = async (): Promise<void> => {
    for (let attempt = 0; !ended; ) {
      let joined: Joined
      const watching = watch()
      try {
        joined = await joinOnce(
          coordinator,
          options,
          memberId,
          { sessionTimeoutMs, rebalanceTimeoutMs },
          (name) => {
            memberId = name
            answered(now())
          },
        )
      } catch (error) {
        failed(error)
        await backoff(attempt++)
        continue
      } finally {
        watching.end()
      }
      if (ended) return
      answered(now())
      memberId = joined.memberId
      if (joined.outcome === 'assigned') return install(joined)
      if (joined.why === 'expelled') expelled(joined.code)
      if (joined.why === 'elsewhere') coordinator.forget()
      if (joined.why !== 'named') await backoff(attempt++)
    }
  }

  const install = (joined: Joined & { readonly outcome: 'assigned' }): void => {
    // The same generation again is the answer to a join that changed nothing.
    if (held !== undefined && joined.generation !== held + 1 && joined.generation !== held) {
      drop(`generation ${held} was followed by others before ${joined.generation}`)
    }
    current = joined.generation
    stats.rebalances++
    stats.lastRebalanceMs = Math.round(now() - noticed)
    warnOfStorm()
    options.onAssigned(joined.assignment, joined.generation)
    held = joined.generation
  }

  const warnOfStorm = (): void => {
    assignedAt.push(now())
    if (assignedAt.length < STORM.rebalances) return
    if (now() - assignedAt.shift()! > STORM.withinMs) return
    assignedAt.length = 0 // the next warning needs as many again
    onWarning(
      new RevlogError(
        'E_REBALANCE_STORM',
        `group ${group} rebalanced ${STORM.rebalances} times in a minute`,
        {
          remedy:
            'look for a member that keeps restarting, or whose event loop is blocked past its session timeout',
        },
      ),
    )
  }

  /** Sends heartbeats as long as the assignment is in force; ends when the group wants to be joined again. */
  const stay = async (): Promise<void> => {
    let revoked: Promise<void> | undefined
    let done = false
    const revoke = (): void => {
      if (revoked !== undefined) return
      noticed = now()
      revoked = boundedRevoke().then(() => {
        done = true
        alarm.wake()
      })
    }
    // The first goes at once: the answer of the join may have waited for a process that was stopped.
    for (let waitMs = 0; ; waitMs = heartbeatIntervalMs) {
      await alarm.sleep(waitMs)
      if (ended || current === undefined || dropWhenSilent()) return
      if (wanted) revoke()
      if (done) return
      const sentAt = now()
      const code = await heartbeat(current)
      if (ended || current === undefined) return
      if (code === undefined) continue
      switch (meaningOf(code)) {
        case 'fine':
          answered(sentAt)
          break
        case 'rebalance':
          answered(sentAt)
          revoke()
          break
        case 'elsewhere':
          coordinator.forget()
          break
        case 'expelled':
          return expelled(code)
        case 'fatal':
          throw fatalError(code, group)
      }
    }
  }

  const heartbeat = async (generation: number): Promise<number | undefined> => {
    try {
      return (await coordinator.ask(heartbeatRequest(who(generation)), answerMs)).errorCode
    } catch (error) {
      failed(error)
      return undefined
    }
  }

  const boundedRevoke = async (): Promise<void> => {
    try {
      await withDeadline(options.onRevoke(), revokeTimeoutMs)
    } catch (error) {
      onWarning(
        new RevlogError(
          'E_REVOKE_TIMEOUT',
          error instanceof DeadlineError
            ? `the tasks were not given back within ${revokeTimeoutMs} ms`
            : `the tasks were not given back: ${messageOf(error)}`,
          { cause: error, remedy: 'process in smaller batches; what was not committed is processed again' },
        ),
      )
    }
  }

  const noteLate = (lateMs: number): void => {
    stats.heartbeatLateMs = Math.max(stats.heartbeatLateMs, Math.round(lateMs))
    if (lateMs < sessionTimeoutMs / 2) return
    onWarning(
      new RevlogError(
        'E_HEARTBEAT_LATE',
        `the event loop was blocked for ${Math.round(lateMs)} ms, the session timeout is ${sessionTimeoutMs} ms`,
        {
          remedy:
            'let no call in a processor take so long, raise the session timeout, or give the tasks threads of their own',
        },
      ),
    )
  }

  const run = async (): Promise<void> => {
    try {
      while (!ended) {
        wanted = false // what is asked for from here on may come too late for this join
        await join()
        if (ended) return
        await stay()
        current = undefined
      }
    } catch (error) {
      if (ended) return
      drop(messageOf(error))
      ended = true
      await depart(LEAVE_MS)
      options.onError(
        error instanceof RevlogError
          ? error
          : new RevlogError('E_GROUP', `the membership of group ${group} failed`, { cause: error }),
      )
    }
  }

  /** Says goodbye, unless the place is to be kept, and closes the connections. */
  const depart = async (timeoutMs: number): Promise<void> => {
    stopWatching()
    const goodbye =
      memberId === '' || instanceId !== undefined
        ? Promise.resolve()
        : coordinator.ask(leaveRequest({ group, memberId }), timeoutMs, 'aside')
    await withDeadline(
      goodbye.then(
        () => undefined,
        () => undefined,
      ),
      timeoutMs,
    ).catch(() => undefined)
    coordinator.close()
  }

  const stopWatching = watchLateness(heartbeatIntervalMs, noteLate)
  void run()

  return {
    generation: () => current,
    memberId: () => memberId,
    commit: (offsets, generation) =>
      commitOffsets(
        coordinator,
        () => (current === generation && !dropWhenSilent() ? who(generation) : undefined),
        offsets,
        sessionTimeoutMs,
        expelled,
      ),
    committed: (partitions) => fetchOffsets(coordinator, partitions),
    async stillMember(generation) {
      for (let attempt = 0; current === generation && !dropWhenSilent(); attempt++) {
        const code = await heartbeat(generation)
        const meaning = code === undefined ? 'elsewhere' : meaningOf(code)
        if (meaning === 'fine' || meaning === 'rebalance') return current === generation
        if (meaning === 'elsewhere') await backoff(attempt)
        else expelled(code!)
      }
      return false
    },
    rejoin() {
      wanted = true
      alarm.wake()
    },
    stats: () => ({ ...stats }),
    async leave(timeoutMs = LEAVE_MS) {
      if (ended) return
      ended = true
      current = undefined
      alarm.wake()
      await depart(timeoutMs)
    },
  }
}
