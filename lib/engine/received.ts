import type { Counter } from '../core/metrics.js'
import { type OutboxNumber, outboxNumber, withoutOutbox } from '../core/outbox-header.js'
import type { LogRecord } from '../core/record.js'
import type { TaskMetadata } from './metadata.js'

/** What was taken of each sender of a repartition topic: what one sends again after a crash is taken once. */
export interface Received {
  /**
   * The record without its number, or `undefined` for one that was taken before. What it lets through counts as taken
   * when `took` says so.
   */
  readonly admit: (topic: string, raw: LogRecord) => LogRecord | undefined
  /** The last admitted record of that topic was processed, or dropped by policy. */
  readonly took: (topic: string) => void
  readonly state: () => Pick<TaskMetadata, 'received'>
}

export function createReceived(stored: TaskMetadata['received'] = {}, repeated: Counter): Received {
  const last = new Map<string, Map<string, number>>(
    Object.entries(stored).map(([topic, senders]) => [topic, new Map(Object.entries(senders))]),
  )
  /** The numbers of admitted records that were not taken yet, by topic. */
  const admitted = new Map<string, OutboxNumber>()

  function take(topic: string, { sender, sequence }: OutboxNumber): void {
    const senders = last.get(topic)
    if (senders === undefined) last.set(topic, new Map([[sender, sequence]]))
    else senders.set(sender, sequence)
  }

  return {
    admit(topic, raw) {
      const number = outboxNumber(raw.headers)
      if (number === undefined) return raw
      if (number.sequence <= (last.get(topic)?.get(number.sender) ?? -1)) {
        repeated.add()
        return undefined
      }
      admitted.set(topic, number)
      return { ...raw, headers: withoutOutbox(raw.headers) }
    },
    took(topic) {
      if (admitted.size === 0) return
      const number = admitted.get(topic)
      if (number === undefined) return
      admitted.delete(topic)
      take(topic, number)
    },
    state: () =>
      last.size === 0
        ? {}
        : {
            received: Object.fromEntries(
              [...last].map(([topic, senders]) => [topic, Object.fromEntries(senders)]),
            ),
          },
  }
}
