import type { Counter } from '../core/metrics.js'
import { type OutboxNumber, outboxNumber, withoutOutbox } from '../core/outbox-header.js'
import type { LogRecord } from '../core/record.js'
import type { Head } from './input-queue.js'
import type { TaskMetadata } from './metadata.js'

/** What was taken of each sender of a repartition topic: what one sends again after a crash is taken once. */
export interface Received {
  /** Passes over what was taken before; what it lets through counts as taken when `took` says so. */
  readonly once: (
    topic: string,
    decode: (raw: LogRecord) => Head | undefined,
  ) => (raw: LogRecord) => Head | undefined
  /** The head of that topic was processed. */
  readonly took: (topic: string) => void
  readonly state: () => Pick<TaskMetadata, 'received'>
}

export function createReceived(stored: TaskMetadata['received'] = {}, repeated: Counter): Received {
  const last = new Map<string, Map<string, number>>(
    Object.entries(stored).map(([topic, senders]) => [topic, new Map(Object.entries(senders))]),
  )
  /** The numbers of the heads, by topic. */
  const heads = new Map<string, OutboxNumber>()

  function take(topic: string, { sender, sequence }: OutboxNumber): void {
    const senders = last.get(topic)
    if (senders === undefined) last.set(topic, new Map([[sender, sequence]]))
    else senders.set(sender, sequence)
  }

  return {
    once: (topic, decode) => (raw) => {
      const number = outboxNumber(raw.headers)
      if (number === undefined) return decode(raw)
      if (number.sequence <= (last.get(topic)?.get(number.sender) ?? -1)) {
        repeated.add()
        return undefined
      }
      const head = decode({ ...raw, headers: withoutOutbox(raw.headers) })
      if (head === undefined) take(topic, number)
      else heads.set(topic, number)
      return head
    },
    took(topic) {
      const number = heads.get(topic)
      if (number === undefined) return
      heads.delete(topic)
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
