import type { Directory } from '../brokers/embedded/directory.js'
import type { Fetched, FetchRequest, NewTopic, TopicDescription } from '../brokers/port.js'
import type { ProducerRecord } from '../core/record.js'

/** What the loop needs of the directory that it works in. Everything but the flush is synchronous. */
export interface Journal {
  readonly find: (topic: string) => TopicDescription | undefined
  readonly create: (topic: NewTopic) => void
  readonly startOffset: (topic: string, partition: number) => number
  readonly endOffset: (topic: string, partition: number) => number
  readonly read: (request: FetchRequest) => Fetched
  /** All that `write` does, about so many bytes, becomes one transaction; when it throws, nothing was done. */
  readonly transaction: (write: () => void, bytes?: number) => void
  /** Inside a transaction. */
  readonly append: (records: readonly ProducerRecord[]) => void
  /** Resolves when every transaction up to now is on the disk. */
  readonly flushed: () => Promise<void>
}

export const createJournal = ({ log, environment, transaction }: Directory): Journal => ({
  find: log.topics.find,
  create: log.topics.create,
  startOffset: log.startOffset,
  endOffset: log.endOffset,
  read: log.read,
  transaction,
  append: log.append,
  flushed: environment.flushed,
})
