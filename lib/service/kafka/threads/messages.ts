import type { TaskId } from '../../../brokers/kafka/group/member.js'
import type { OffsetToCommit } from '../../../brokers/kafka/kafka-client.js'
import type { ServiceEvent } from '../../events.js'
import type { Found } from '../lay-out.js'
import type { PortableError } from './portable-error.js'
import type { PortableReport } from './portable-report.js'
import type { PortableSettings } from './portable-settings.js'

/** What a thread is started with. */
export interface ThreadSetup extends PortableSettings {
  /** Exports the topology. */
  readonly file: string
  readonly found: Found
  /** One number: which of all tasks the thread is processing, plus one; 0 between them. Read when it has died. */
  readonly turn: Int32Array
}

/** What the main thread may call in the thread of an engine room. */
export interface RoomCalls extends Record<string, (...args: never[]) => unknown> {
  /** Resolves when the thread has loaded its topology and reached the brokers. */
  readonly ready: () => void
  readonly assign: (order: Order) => void
  readonly dropAll: (number: number) => void
  readonly settle: () => Promise<void>
  readonly reachEnds: () => Promise<boolean>
  readonly stop: () => void
  readonly finished: () => Promise<void>
  readonly abort: () => void
  readonly close: () => Promise<void>
}

/** The whole of what one thread is to run, in the name of the group's member. */
export interface Order {
  /** Counts the orders. */
  readonly number: number
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
  readonly generation: number
  readonly memberId: string
}

/** What the thread of an engine room may call in the main thread. */
export interface MainCalls extends Record<string, (...args: never[]) => unknown> {
  readonly commit: (offsets: readonly OffsetToCommit[], generation: number) => Promise<void>
  readonly stillMember: (generation: number) => Promise<boolean>
  readonly token: () => Promise<{ readonly value: string }>
  readonly event: (event: PortableEvent) => void
  readonly failed: (error: PortableError) => void
  readonly report: (report: PortableReport) => void
  /** The tasks whose state may be open there, once the order of that number was followed. */
  readonly using: (number: number, tasks: ReadonlySet<TaskId>) => void
}

/** An event whose error can travel. */
export type PortableEvent =
  | Exclude<ServiceEvent, { readonly error: unknown }>
  | { readonly kind: 'retrying'; readonly task: string; readonly error: PortableError }
  | { readonly kind: 'paused'; readonly error: PortableError }
