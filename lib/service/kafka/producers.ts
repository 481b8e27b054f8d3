import type { GroupMember, KafkaClient, KafkaProducer } from '../../brokers/kafka/kafka-client.js'
import { partitionOf } from '../../core/murmur2.js'
import type { ProducerRecord } from '../../core/record.js'
import type { Producer, TransactionalProducer } from '../protocol/ports.js'
import type { Layout } from './lay-out.js'

/** Until the process is told to stop: a broker may be away for any length of time. */
const FOR_EVER = Infinity

/** What of the topics matters to who writes to them. */
type Topics = Pick<Layout, 'partitionsOf' | 'maxMessageBytesOf'>

const byTopic = ({ partitionsOf, maxMessageBytesOf }: Topics) => ({
  partitionOf: ({ key, topic }: ProducerRecord): number => partitionOf(key, partitionsOf(topic)),
  maxMessageBytesOf,
})

/** The producer of all tasks of a process, which takes one send at a time and is replaced when one has failed. */
export interface SharedProducer {
  readonly current: () => Promise<Producer>
}

export function createSharedProducer(
  client: KafkaClient,
  topics: Topics,
  signal: AbortSignal,
): SharedProducer {
  let made: Promise<KafkaProducer> | undefined
  let last: Promise<unknown> = Promise.resolve()

  const fresh = async (): Promise<KafkaProducer> => {
    const known = await made?.catch(() => undefined)
    if (known !== undefined && known.spent === undefined) return known
    made = client.producer({ signal, timeoutMs: FOR_EVER, ...byTopic(topics) })
    return made
  }
  return {
    async current() {
      const producer = await fresh()
      return {
        send(records) {
          const sent = last.then(() => producer.send(records, { signal, timeoutMs: FOR_EVER }))
          last = sent.catch(() => {})
          return sent
        },
      }
    },
  }
}

/** Making it fences every earlier owner of the id, and ends what that one had under way. */
export async function createTaskProducer(
  client: KafkaClient,
  transactionalId: string,
  transactionTimeoutMs: number,
  member: () => GroupMember,
  topics: Topics,
  signal: AbortSignal,
): Promise<TransactionalProducer> {
  const producer = await client.transactionalProducer({
    transactionalId,
    transactionTimeoutMs,
    ...byTopic(topics),
    signal,
    timeoutMs: FOR_EVER,
  })
  let begun = false
  const begin = (): void => {
    if (!begun) producer.begin()
    begun = true
  }
  return {
    send(records) {
      begin()
      return producer.send(records, { signal, timeoutMs: FOR_EVER })
    },
    async commit(positions) {
      begin()
      if (positions.length > 0) await producer.sendOffsets(member(), positions, { signal })
      await producer.commit({ signal })
      begun = false
    },
  }
}
