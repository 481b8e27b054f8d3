import type { RevlogError } from '../core/errors.js'

/** What a service tells while it runs, beside its metrics: things that a person would want to read. */
export type ServiceEvent =
  /** Every task is open; records are taken from now on. */
  | { readonly kind: 'running'; readonly tasks: number }
  /**
   * The state of a task is gone, or behind, while its changelog has data: it is read back. So many `records` so far,
   * which brought it to `offset` of a log that ends at `total`; a compacted log has fewer records than offsets.
   */
  | {
      readonly kind: 'restoring'
      readonly task: string
      readonly records: number
      readonly offset: number
      readonly total: number
    }
  | { readonly kind: 'restored'; readonly task: string; readonly records: number; readonly ms: number }
  /**
   * On Kafka: the group has given these tasks to this process; those that are new to it are taken over now. Of
   * `standbys`, which run elsewhere, it keeps copies.
   */
  | { readonly kind: 'assigned'; readonly tasks: readonly string[]; readonly standbys: readonly string[] }
  /** On Kafka: the copy of a task's state has reached the end of its changelog, after so many records, and follows it. */
  | { readonly kind: 'standby'; readonly task: string; readonly records: number }
  /** On Kafka: the group goes on without this process for now. What was not committed is processed again, elsewhere. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** On Kafka: what a task did has come to nothing, and it is taken over anew. */
  | { readonly kind: 'retrying'; readonly task: string; readonly error: unknown }
  /** On Kafka: something that a person should see to; it goes on. */
  | {
      readonly kind: 'warning'
      readonly code: string
      readonly problem: string
      readonly remedy: string | undefined
    }
  /** On Kafka: state on this disk cannot be trusted; it is restored from the changelog. */
  | { readonly kind: 'discarded'; readonly task: string; readonly reason: string }
  /** The disk refused a commit. Nothing is lost: it is tried again until it succeeds or the service is stopped. */
  | { readonly kind: 'paused'; readonly error: RevlogError }
  | { readonly kind: 'resumed' }
