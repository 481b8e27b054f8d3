import type { Duration } from '../core/duration.js'
import type { Cancellable, PunctuationType } from '../topology/processor.js'

/** The next time of each timer, by its stable name: part of what a commit stores. */
export interface TimerState {
  readonly [timer: string]: number
}

export interface Punctuator {
  readonly schedule: (
    operator: string,
    interval: Duration,
    type: PunctuationType,
    callback: (time: number) => void,
  ) => Cancellable
  /** Fires what is due at `time`. True when anything fired. */
  readonly fire: (type: PunctuationType, time: number) => boolean
  /** When the next timer of that type is due; Infinity without one. */
  readonly due: (type: PunctuationType) => number
  readonly state: () => TimerState
}

interface Timer {
  readonly name: string
  readonly operator: string
  readonly interval: number
  readonly callback: (time: number) => void
  next: number
  cancelled: boolean
}

/**
 * Timers as Kafka Streams' `PunctuationQueue`: a stream-time timer starts at 0, so the first record fires it; a
 * wall-clock timer starts one interval from now; a timer that missed several of its times fires once and goes
 * on with the next time on its grid. The callback is given the current time, not the time that was due.
 *
 * @param stored where timers stood at the last commit: a timer of the same name goes on from there.
 */
export function createPunctuator(
  stored: TimerState,
  wallTime: () => number,
  run: (operator: string, callback: () => void) => void,
): Punctuator {
  const timers: { [type in PunctuationType]: Timer[] } = {
    'stream-time': [],
    'wall-clock-time': [],
  }
  const due: { [type in PunctuationType]: number } = {
    'stream-time': Infinity,
    'wall-clock-time': Infinity,
  }
  const scheduled = new Map<string, number>()

  const settle = (type: PunctuationType): void => {
    due[type] = timers[type].reduce((least, timer) => Math.min(least, timer.next), Infinity)
  }

  return {
    schedule(operator, interval, type, callback) {
      // The interval is part of the name: a timer that finds another's time would wait for the other's interval.
      const kind = `${operator} ${type} ${interval}`
      const ordinal = scheduled.get(kind) ?? 0
      scheduled.set(kind, ordinal + 1)
      const name = `${kind} ${ordinal}`
      const first = type === 'stream-time' ? 0 : wallTime() + interval
      const timer: Timer = {
        name,
        operator,
        interval,
        callback,
        next: stored[name] ?? first,
        cancelled: false,
      }
      timers[type].push(timer)
      due[type] = Math.min(due[type], timer.next)
      return {
        cancel() {
          timer.cancelled = true
          timers[type] = timers[type].filter((t) => t !== timer)
        },
      }
    },
    fire(type, time) {
      let fired = false
      // A timer that a callback schedules may be due at once, as a stream-time timer is.
      while (time >= due[type]) {
        const order = timers[type].filter((t) => t.next <= time).sort((a, b) => a.next - b.next)
        for (const timer of order) {
          if (timer.cancelled) continue
          fired = true
          const missed = Math.floor((time - timer.next) / timer.interval)
          timer.next += (missed + 1) * timer.interval
          run(timer.operator, () => timer.callback(time))
        }
        settle(type)
      }
      return fired
    },
    due: (type) => due[type],
    state() {
      const state: { [timer: string]: number } = {}
      for (const timer of [...timers['stream-time'], ...timers['wall-clock-time']]) {
        state[timer.name] = timer.next
      }
      return state
    },
  }
}
