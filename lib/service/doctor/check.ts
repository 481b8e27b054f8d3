import { messageOf, RevlogError } from '../../core/errors.js'

export type Area =
  | 'connection'
  | 'versions'
  | 'topics'
  | 'internal topics'
  | 'permissions'
  | 'clock'
  | 'group'
  | 'state'

/** One thing that was looked at. */
export interface Check {
  readonly area: Area
  /** An `error` keeps the application from running rightly; a `note` is neither good nor bad. */
  readonly severity: 'ok' | 'note' | 'warning' | 'error'
  readonly said: string
  readonly code?: string
  readonly remedy?: string
}

export const ok = (area: Area, said: string): Check => ({ area, severity: 'ok', said })
export const note = (area: Area, said: string): Check => ({ area, severity: 'note', said })

/** What went wrong while something was looked at is a finding too, and not the end of the visit. */
export const failed = (area: Area, thrown: unknown): Check =>
  thrown instanceof RevlogError
    ? {
        area,
        severity: 'error',
        said: thrown.problem,
        code: thrown.code,
        ...(thrown.remedy === undefined ? {} : { remedy: thrown.remedy }),
      }
    : { area, severity: 'error', said: messageOf(thrown) }
