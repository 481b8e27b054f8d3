import { RevlogError } from './errors.js'

declare const unit: unique symbol

/**
 * A length of time in whole milliseconds, made by {@link milliseconds}, {@link seconds}, {@link minutes},
 * {@link hours} or {@link days}. A raw number is no `Duration`, so seconds cannot be taken for milliseconds.
 */
export type Duration = number & { readonly [unit]: 'ms' }

/** @example milliseconds(250) */
export function milliseconds(n: number): Duration {
  if (!Number.isFinite(n) || n < 0 || !Number.isSafeInteger(Math.round(n))) {
    throw new RevlogError('E_DURATION', `${n} is not a length of time`, {
      remedy: 'give a finite number of 0 or more',
    })
  }
  return Math.round(n) as Duration
}

/** @example seconds(1.5) */
export const seconds = (n: number): Duration => milliseconds(n * 1_000)
/** @example minutes(10) */
export const minutes = (n: number): Duration => milliseconds(n * 60_000)
/** @example hours(24) */
export const hours = (n: number): Duration => milliseconds(n * 3_600_000)
/** @example days(7) */
export const days = (n: number): Duration => milliseconds(n * 86_400_000)
