import type { Broker } from '../brokers/port.js'
import { RevlogError } from '../core/errors.js'
import type { ProducerRecord } from '../core/record.js'
import type { RowSource } from './rows/open.js'
import { type RowRules, recordReader } from './rows/record-of-row.js'
import type { CliTopic } from './topics.js'

export interface FeedOptions {
  readonly broker: Broker
  readonly topic: CliTopic
  readonly rows: RowSource
  readonly rules: RowRules
  /** A bad row ends the feed, or is counted. */
  readonly onBadRow: 'fail' | 'skip'
  /** Stops between two batches. */
  readonly stop: AbortSignal
  /** After each batch that is durable, with what has been fed so far. */
  readonly onBatch: (fed: Fed) => void
}

export interface Fed {
  readonly records: number
  readonly badRows: number
  /** The first bad row, for a person to look at. */
  readonly firstProblem: RevlogError | undefined
}

/** Rows of one `produce`: bounded, so that memory and the time to stop are. */
const BATCH = 5_000

/**
 * Writes the rows of a file to a topic, in the file's order. When it returns everything is durable.
 *
 * @throws RevlogError of the first bad row, when those are to fail: the rows before it are durable.
 */
export async function feed(options: FeedOptions): Promise<Fed> {
  const { broker, topic, rows, rules, onBadRow, stop, onBatch } = options
  const read = recordReader(topic, rules)
  let fed: Fed = { records: 0, badRows: 0, firstProblem: undefined }
  let records: ProducerRecord[] = []
  let problem: RevlogError | undefined

  const send = async (): Promise<void> => {
    if (records.length > 0) await broker.produce(records)
    fed = { ...fed, records: fed.records + records.length }
    records = []
    onBatch(fed)
  }
  const take = (row: Parameters<typeof read>[0] | { readonly problem: RevlogError }): void => {
    try {
      if ('problem' in row) throw row.problem
      records.push(read(row))
    } catch (thrown) {
      if (!(thrown instanceof RevlogError)) throw thrown
      if (onBadRow === 'fail') problem = thrown
      else fed = { ...fed, badRows: fed.badRows + 1, firstProblem: fed.firstProblem ?? thrown }
    }
  }
  for await (const batch of rows.batches) {
    for (const row of batch) {
      if (problem !== undefined) break
      take(row)
      if (records.length >= BATCH) await send()
      if (stop.aborted) break
    }
    await send()
    if (problem !== undefined) throw problem
    if (stop.aborted) break
  }
  return fed
}
