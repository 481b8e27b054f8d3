import { RevlogError } from '../lib/core/errors.js'

const forbidden = (what: string): never => {
  throw new RevlogError('E_NOT_DETERMINISTIC', `a function of the topology calls ${what}`, {
    remedy:
      'take time from the record, context.streamTime() or context.wallTime(), and chance from the data: after a crash a record is processed again and must give the same answer',
  })
}

/** A Date that can be told the time but does not know it. */
function timeless(Real: DateConstructor): DateConstructor {
  return new Proxy(Real, {
    construct(target, args, newTarget) {
      return args.length === 0 ? forbidden('new Date()') : Reflect.construct(target, args, newTarget)
    },
    get(target, property, receiver) {
      return property === 'now' ? () => forbidden('Date.now()') : Reflect.get(target, property, receiver)
    },
  })
}

/** Runs something synchronous in which asking for the time of day or for a random number throws. */
export function withoutChance<T>(run: () => T): T {
  const { Date: date } = globalThis
  const { random } = Math
  globalThis.Date = timeless(date)
  Math.random = () => forbidden('Math.random()')
  try {
    return run()
  } finally {
    globalThis.Date = date
    Math.random = random
  }
}
