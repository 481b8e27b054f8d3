import { messageOf } from '../core/errors.js'
import type { ServiceEvent } from '../service/events.js'
import { count, duration, progressText } from './progress.js'
import type { Screen } from './screen.js'

/** Says what a service tells while it runs. */
export function sayEvents(screen: Screen): (event: ServiceEvent) => void {
  const restores = new Map<string, Restore>()
  const retries = new Map<string, { readonly line: string; readonly at: number }>()
  return (event) => {
    const now = Date.now()
    if (event.kind === 'restoring') return sayRestoring(screen, restores, event, now)
    if (event.kind === 'restored') restores.delete(event.task)
    const line = lineOf(event)
    if (line === undefined) return
    if (event.kind === 'retrying') {
      // A broker that is away for an hour must not fill a log.
      const said = retries.get(event.task)
      if (said?.line === line && now - said.at < REPEAT_AFTER_MS) return
      retries.set(event.task, { line, at: now })
    }
    screen.say(line)
  }
}

/** What has not changed is said again so often. */
const REPEAT_AFTER_MS = 60_000

/** Where the restore of a task began, and when it was last spoken of. */
interface Restore {
  readonly offset: number
  readonly since: number
  readonly said: number
}

/** A short restore is told when it is over. */
const SAY_EVERY_MS = 2_000

function sayRestoring(
  screen: Screen,
  restores: Map<string, Restore>,
  { task, records, offset, total }: Extract<ServiceEvent, { kind: 'restoring' }>,
  now: number,
): void {
  const restore = restores.get(task) ?? { offset, since: now, said: now }
  restores.set(task, restore)
  if (now - restore.said < SAY_EVERY_MS) return
  restores.set(task, { ...restore, said: now })
  const look = {
    done: offset - restore.offset,
    total: total - restore.offset,
    counted: records,
    unit: 'record',
  }
  screen.say(progressText(`restoring the state of task ${task}`, look, now - restore.since))
}

function lineOf(event: ServiceEvent): string | undefined {
  switch (event.kind) {
    case 'running':
      return undefined
    case 'restoring':
      return undefined
    case 'restored':
      return `restored the state of task ${event.task}: ${count(event.records)} records in ${duration(event.ms)}`
    case 'assigned':
      return event.tasks.length === 0
        ? 'no task is for this member: others have them all'
        : `runs ${event.tasks.join(', ')}`
    case 'standby':
      return `keeps a copy of the state of task ${event.task}: ${count(event.records)} records to begin with`
    case 'lost':
      return `lost its tasks: ${event.reason}`
    case 'retrying':
      return `task ${event.task} is taken over anew: ${messageOf(event.error)}`
    case 'warning':
      return `${event.code}: ${event.problem}${event.remedy === undefined ? '' : `\n  remedy: ${event.remedy}`}`
    case 'discarded':
      return `the state of task ${event.task} on this disk is not used: ${event.reason}`
    case 'paused':
      return `paused: ${event.error.message}`
    case 'resumed':
      return 'going on'
    default: {
      const unknown: never = event
      return unknown
    }
  }
}
