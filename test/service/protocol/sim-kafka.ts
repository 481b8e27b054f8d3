import type { Appended } from '../../../lib/brokers/port.js'
import { partitionOf } from '../../../lib/core/murmur2.js'
import type { LogRecord, ProducerRecord } from '../../../lib/core/record.js'
import type {
  ChangelogLog,
  GroupPosition,
  Producer,
  TransactionalProducer,
} from '../../../lib/service/protocol/ports.js'
import type { SimNetwork } from './sim-network.js'

/** What a broker holds of one record. */
interface Entry {
  readonly writer: string
  readonly record: LogRecord
  readonly time: number
  /** The transaction that it belongs to, while that is open. */
  transaction: string | undefined
  aborted: boolean
}

interface Partition {
  entries: Entry[]
  end: number
}

/** What a Kafka cluster guarantees, and nothing more: logs, transactions, a group's positions, compaction. */
export interface SimKafka {
  readonly end: (topic: string, partition: number) => number
  /** All records, or those that a reader of committed records sees. */
  readonly records: (topic: string, partition: number, committed: boolean) => readonly LogRecord[]
  /** At once, from outside of the simulation. */
  readonly append: (record: ProducerRecord) => void
  readonly compact: (topic: string, partition: number, olderThan: number) => void
  readonly advance: (time: number) => void
  /** Every transaction has been open for too long: the broker takes it back, and its owner's next call is refused. */
  readonly expireTransactions: () => void
  readonly time: () => number
  readonly position: (topic: string, partition: number) => number | undefined
  /** Whether every transaction has ended. */
  readonly settled: () => boolean
  readonly connect: (network: SimNetwork, committed: boolean) => SimClient
}

/** The cluster as one process sees it: every call crosses the network. */
export interface SimClient {
  readonly changelog: (topic: string, partition: number) => ChangelogLog
  readonly read: (topic: string, partition: number, offset: number) => Promise<Fetched>
  readonly producer: () => Promise<Producer>
  readonly transactional: (id: string) => Promise<TransactionalProducer>
  readonly committed: (topics: readonly string[], partition: number) => Promise<ReadonlyMap<string, number>>
  /** @param mayCommit the broker's check of the generation, made when the request arrives */
  readonly tell: (positions: readonly GroupPosition[], mayCommit: () => boolean) => Promise<void>
}

export interface Fetched {
  readonly records: readonly LogRecord[]
  readonly nextOffset: number
  readonly end: number
}

export class SimFenced extends Error {}

/** @param partitions of every topic */
export function createSimKafka(partitions: number): SimKafka {
  const logs = new Map<string, Partition>()
  const group = new Map<string, number>()
  /** The current epoch of each transactional id. */
  const epochs = new Map<string, number>()
  let clock = 1
  let producers = 0

  const name = (topic: string, partition: number): string => `${topic}-${partition}`
  function log(topic: string, partition: number): Partition {
    const key = name(topic, partition)
    const known = logs.get(key)
    if (known !== undefined) return known
    const made = { entries: [], end: 0 }
    logs.set(key, made)
    return made
  }
  function append(writer: string, record: ProducerRecord, transaction: string | undefined): number {
    const to = log(record.topic, record.partition!)
    const offset = to.end++
    const { key, value, timestamp, headers } = record
    to.entries.push({
      writer,
      record: { offset, timestamp, key, value, headers },
      time: clock,
      transaction,
      aborted: false,
    })
    return offset
  }
  function endOf({ entries, end }: Partition, committed: boolean): number {
    if (!committed) return end
    return entries.find((entry) => entry.transaction !== undefined)?.record.offset ?? end
  }
  function finish(transaction: string, aborted: boolean): void {
    for (const partition of logs.values()) {
      let touched = false
      for (const entry of partition.entries) {
        if (entry.transaction !== transaction) continue
        touched = true
        entry.transaction = undefined
        entry.aborted = aborted
      }
      if (touched) partition.end++ // the marker
    }
  }
  /** Entries from an offset on, and where to read on. */
  function visible(
    topic: string,
    partition: number,
    offset: number,
    committed: boolean,
  ): { readonly entries: readonly Entry[]; readonly end: number } {
    const from = log(topic, partition)
    const end = endOf(from, committed)
    return {
      entries: from.entries.filter(
        ({ record, aborted }) => record.offset >= offset && record.offset < end && !(committed && aborted),
      ),
      end,
    }
  }
  const appendAll = (
    writer: string,
    records: readonly ProducerRecord[],
    transaction: string | undefined,
  ): readonly Appended[] =>
    byPartition(records, partitions).map((batch) => {
      const { topic, partition } = batch[0]!
      const offsets = batch.map((record) => append(writer, record, transaction))
      return { topic, partition: partition!, baseOffset: offsets[0]!, count: batch.length }
    })

  return {
    end: (topic, partition) => endOf(log(topic, partition), true),
    records: (topic, partition, committed) =>
      visible(topic, partition, 0, committed).entries.map(({ record }) => record),
    append(record) {
      append('outside', record, undefined)
    },
    compact(topic, partition, olderThan) {
      const { entries } = log(topic, partition)
      const last = new Map<string, number>()
      const cleanable = entries.filter((entry) => entry.time <= olderThan && entry.transaction === undefined)
      for (const { record, aborted } of cleanable) {
        if (!aborted) last.set(record.key!.toString('latin1'), record.offset)
      }
      const inside = new Set(cleanable)
      log(topic, partition).entries = entries.filter(
        (entry) =>
          !inside.has(entry) || last.get(entry.record.key!.toString('latin1')) === entry.record.offset,
      )
    },
    advance(time) {
      clock += time
    },
    expireTransactions() {
      for (const [id, epoch] of epochs) {
        epochs.set(id, epoch + 1)
        finish(id, true)
      }
    },
    time: () => clock,
    position: (topic, partition) => group.get(name(topic, partition)),
    settled: () =>
      [...logs.values()].every(({ entries }) => entries.every((e) => e.transaction === undefined)),
    connect: (network, committed) => ({
      changelog: (topic, partition) => ({
        topic,
        partition,
        bounds: () => network.call(() => ({ start: 0, end: endOf(log(topic, partition), committed) })),
        read: (offset) =>
          network.call(() => {
            const { entries, end } = visible(topic, partition, offset, committed)
            const some = entries.slice(0, network.random.integer(12) + 1)
            const whole = some.length === entries.length
            const last = some[some.length - 1]
            return {
              records: some.map((entry) => entry.record),
              nextOffset: whole ? Math.max(end, offset) : last!.record.offset + 1,
            }
          }),
      }),
      read: (topic, partition, offset) =>
        network.call(() => {
          const { entries, end } = visible(topic, partition, offset, committed)
          const some = entries.slice(0, network.random.integer(8) + 1)
          const last = some[some.length - 1]
          const nextOffset = some.length === entries.length ? Math.max(end, offset) : last!.record.offset + 1
          return { records: some.map(({ record }) => record), nextOffset, end }
        }),
      producer: () =>
        network.call(() => {
          const writer = `p${producers++}`
          return {
            // One request may reach one partition and not the next.
            send: async (records) => {
              const parts = byPartition(records, partitions)
              const appended = await Promise.all(
                parts.map((part) => network.call(() => appendAll(writer, part, undefined))),
              )
              return appended.flat()
            },
          }
        }),
      transactional: (id) =>
        network.call(() => {
          const epoch = (epochs.get(id) ?? 0) + 1
          epochs.set(id, epoch)
          finish(id, true)
          const writer = `${id}#${epoch}`
          const check = (): void => {
            if (epochs.get(id) !== epoch) throw new SimFenced(`${writer} is fenced`)
          }
          return {
            send: async (records) => {
              const parts = byPartition(records, partitions)
              const appended = await Promise.all(
                parts.map((part) =>
                  network.call(() => {
                    check()
                    return appendAll(writer, part, id)
                  }),
                ),
              )
              return appended.flat()
            },
            commit: (positions) =>
              network.call(() => {
                check()
                finish(id, false)
                for (const p of positions) group.set(name(p.topic, p.partition), p.offset)
              }),
          }
        }),
      committed: (topics, partition) =>
        network.call(
          () =>
            new Map(
              topics.flatMap((topic) => {
                const offset = group.get(name(topic, partition))
                return offset === undefined ? [] : [[topic, offset] as const]
              }),
            ),
        ),
      tell: (positions, mayCommit) =>
        network.call(() => {
          if (!mayCommit()) throw new SimFenced('the generation is over')
          for (const p of positions) group.set(name(p.topic, p.partition), p.offset)
        }),
    }),
  }
}

function byPartition(
  records: readonly ProducerRecord[],
  partitions: number,
): readonly (readonly ProducerRecord[])[] {
  const groups = new Map<string, ProducerRecord[]>()
  for (const given of records) {
    const record = { ...given, partition: given.partition ?? partitionOf(given.key, partitions) }
    const key = `${record.topic}-${record.partition}`
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [record])
    else known.push(record)
  }
  return [...groups.values()]
}
