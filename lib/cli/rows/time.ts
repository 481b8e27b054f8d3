import { RevlogError } from '../../core/errors.js'

const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/

/** Milliseconds since the epoch, or an ISO 8601 date with its zone: without one it would depend on the machine. */
export function timeOf(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const parsed = typeof value === 'string' && ISO.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isSafeInteger(parsed) && parsed >= 0) return parsed
  throw new RevlogError('E_ROW_TIME', `${name} is no time: ${JSON.stringify(value)}`, {
    remedy: 'write milliseconds since the epoch or an ISO 8601 date with its zone: 2013-06-30T09:40:00Z',
  })
}
