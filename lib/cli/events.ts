import { messageOf } from '../core/errors.js'
import type { ServiceEvent } from '../service/events.js'
import { count, duration } from './progress.js'
import type { Screen } from './screen.js'

/** Says what a service tells while it runs. */
export const sayEvents =
  (screen: Screen) =>
  (event: ServiceEvent): void => {
    const line = lineOf(event)
    if (line !== undefined) screen.say(line)
  }

function lineOf(event: ServiceEvent): string | undefined {
  switch (event.kind) {
    case 'running':
      return undefined
    case 'restoring':
      return `restoring the state of task ${event.task}: ${count(event.records)} of about ${count(event.total)} records`
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
