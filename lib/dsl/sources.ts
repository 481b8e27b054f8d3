import type { Duration } from '../core/duration.js'
import { source } from '../operators/source/index.js'
import { table as tableOf } from '../operators/table/index.js'
import { versionedTable } from '../operators/versioned-table/index.js'
import type { SourceTopic } from '../topology/topic.js'
import { type KStream, kStream, type Named } from './kstream.js'
import { type KTable, kTable } from './ktable.js'

/**
 * The records of a topic.
 *
 * @example stream(orders).filter((order) => order.amount > 0).to(paid)
 */
export const stream = <K, V>(topic: SourceTopic<K, V>, { name }: Named = {}): KStream<K, V> =>
  kStream(source('stream', topic, name))

export interface TableOptions {
  /** Names the store; the topic's name when absent. */
  readonly name?: string
  /** Keeps the history of each key: joins then look rows up as of their records' event time. */
  readonly versioned?: {
    /** How far back history reaches, and how late a version may come, from the greatest event time seen. */
    readonly historyRetention: Duration
  }
}

/**
 * The last value of each key of a topic, in a store that is named after the topic unless `name` is given. A topic
 * that is a revision log is read as one: the greatest revision of each key wins.
 *
 * @example const prices = table(priceTopic, { versioned: { historyRetention: hours(24) } })
 */
export function table<K, V>(topic: SourceTopic<K, V>, options: TableOptions = {}): KTable<K, V> {
  const shape = source('table', topic, undefined)
  const { name = topic.name, versioned } = options
  const as = { operator: 'table', prefix: 'KTABLE-SOURCE', name, named: false }
  return kTable(versioned === undefined ? tableOf(shape, as) : versionedTable(shape, { ...as, ...versioned }))
}
