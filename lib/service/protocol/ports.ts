import type { Appended } from '../../brokers/port.js'
import type { LogRecord, ProducerRecord } from '../../core/record.js'

/**
 * What the protocols need of Kafka, and no more: so the simulation that tests them is small, and what it tests is
 * the code that runs. Everything may fail at any moment; whoever fails has thrown its work away and takes over anew.
 */

export interface ReadRecords {
  readonly records: readonly LogRecord[]
  /** Where to read on: also past what compaction has emptied and what was taken back. */
  readonly nextOffset: number
}

/** The partition of a changelog topic that belongs to a task. */
export interface ChangelogLog {
  readonly topic: string
  readonly partition: number
  /**
   * The first offset that is there, and the end: of what is committed, when the reader asks for that. Nothing that
   * was acknowledged, or committed, before the call is beyond that end.
   */
  bounds(): Promise<{ readonly start: number; readonly end: number }>
  /** What is there from an offset on; nothing at the end. */
  read(offset: number): Promise<ReadRecords>
}

/** An idempotent producer. After a failure it is of no more use: nobody knows what became of the records. */
export interface Producer {
  /**
   * Resolves when all are acknowledged by all replicas in sync. Never a second one before the first is done. A record
   * without a partition goes where the hash of its key says.
   */
  send(records: readonly ProducerRecord[]): Promise<readonly Appended[]>
}

/** A producer whose sends and positions become visible together. Making one has fenced every earlier one of its id. */
export interface TransactionalProducer extends Producer {
  /** Ends the transaction that the sends since the last one were part of, with the group's positions in it. */
  commit(positions: readonly GroupPosition[]): Promise<void>
}

export interface GroupPosition {
  readonly topic: string
  readonly partition: number
  /** The next offset to be read. */
  readonly offset: number
  /** What the group is to remember of who read it. */
  readonly metadata?: string
}

/** A moment between two steps of a protocol, by name: a test ends the process there. */
export type Step = (name: StepName) => void

export type StepName =
  | 'changelog-read'
  | 'claimed'
  | 'sealed'
  | 'outputs-sent'
  | 'changelog-sent'
  | 'state-committed'
  | 'outbox-sent'
  | 'positions-committed'
  | 'transaction-sent'
  | 'transaction-committed'
