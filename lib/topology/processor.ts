import type { Duration } from '../core/duration.js'
import type { Metrics } from '../core/metrics.js'
import type { Headers, Record } from '../core/record.js'
import type { StoreSpec } from '../state/store.js'

/**
 * What runs for a node: a closure over open stores. User-written processors and built-in operators have the
 * same shape. `process` must not keep or change the record.
 */
export interface Processor<K, V> {
  readonly process: (record: Record<K, V>) => void
  /** When the task closes; what is to be kept belongs into a store. */
  readonly close?: () => void
}

/** A processor with several inputs, in the order of the node's parents. */
export interface MultiProcessor {
  readonly inputs: readonly ((record: Record<any, any>) => void)[]
  readonly close?: () => void
}

/**
 * `stream-time`: event time, moved by the records that the task takes; first fired by the first record, missed
 * ones collapse into one. `wall-clock-time`: the time that is handed to the engine, aligned to the grid of
 * the interval. Both as Kafka Streams' `PunctuationType`.
 */
export type PunctuationType = 'stream-time' | 'wall-clock-time'

export interface Cancellable {
  readonly cancel: () => void
}

/** Where the record being processed came from. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Why a record, or one use of it, was dropped. A counter exists for each: `dropped-records.<reason>`. */
export type DropReason =
  | 'null-key'
  | 'null-value'
  | 'invalid-timestamp'
  | 'deserialization-error'
  | 'processing-error'
  | 'late-left'
  | 'late-right'
  | 'history-expired'
  | 'stale-revision'
  | 'out-of-order'
  | 'expired-window'
  | (string & {})

/** What an operator gets when a task creates it. Every store is open by then. */
export interface ProcessorContext<KOut = any, VOut = any> {
  /** Sends a record to every child, in their order, and returns when they are done with it. */
  readonly emit: (record: Record<KOut, VOut>) => void
  readonly store: <S>(spec: StoreSpec<S>) => S
  readonly schedule: (
    interval: Duration,
    type: PunctuationType,
    callback: (time: number) => void,
  ) => Cancellable
  /** Names are prefixed with the operator's. */
  readonly metrics: Metrics
  /**
   * Counts the current record as dropped, with the reason; its source record goes to the dead-letter topic, if
   * there is one, unless `deadLetter` is false. Everything that an operator does not answer passes through here.
   */
  readonly drop: (reason: DropReason, options?: { readonly deadLetter?: boolean }) => void
  /** Sends the current source record, byte for byte, to a side topic, with headers that say why. */
  readonly divert: (topic: string, reason: DropReason, headers?: Headers) => void
  /**
   * Runs a user's function under the processing error policy. False when it threw and the policy is to go on;
   * the failure is counted then. For operators that call user code several times for one record.
   */
  readonly attempt: (run: () => void) => boolean
  /** The source record being processed; `undefined` in a punctuation. */
  readonly recordMetadata: () => RecordMetadata | undefined
  /** The greatest event time that the task has taken, -1 before the first record. */
  readonly streamTime: () => number
  /** The wall-clock time that was handed to the engine last. */
  readonly wallTime: () => number
  readonly task: string
  readonly partition: number
  /** How many partitions, and so tasks, the sub-topology has. */
  readonly partitions: number
  /** Of revisions: see `Revision`. */
  readonly generation: number
}

export type ProcessorFactory = (context: ProcessorContext) => Processor<any, any> | MultiProcessor
