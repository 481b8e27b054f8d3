import type { RevlogError } from '../core/errors.js'

/** What a service tells while it runs, beside its metrics: things that a person would want to read. */
export type ServiceEvent =
  /** Every task is open; records are taken from now on. */
  | { readonly kind: 'running'; readonly tasks: number }
  /** The state of a task is gone while its changelog has data: it is read back. `records` of about `total` so far. */
  | { readonly kind: 'restoring'; readonly task: string; readonly records: number; readonly total: number }
  | { readonly kind: 'restored'; readonly task: string; readonly records: number; readonly ms: number }
  /** The disk refused a commit. Nothing is lost: it is tried again until it succeeds or the service is stopped. */
  | { readonly kind: 'paused'; readonly error: RevlogError }
  | { readonly kind: 'resumed' }
