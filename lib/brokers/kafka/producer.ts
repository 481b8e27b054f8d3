import type { Cluster } from './cluster.js'
import type { KafkaProducer, ProducerOptions } from './kafka-client.js'
import { createOneAtATime } from './one-at-a-time.js'
import { createSender } from './sender.js'
import { kafkaError } from './wire/error-codes.js'
import { initProducerIdRequest } from './wire/transactions.js'

/** Only a transaction has a time-out; without one the broker takes any. */
const NO_TRANSACTION_MS = 2 ** 31 - 1

export async function createProducer(cluster: Cluster, options: ProducerOptions): Promise<KafkaProducer> {
  const { producerId, producerEpoch } = await cluster.retry(options, async (signal) => {
    const answer = await cluster.ask(initProducerIdRequest(undefined, NO_TRANSACTION_MS), signal)
    if (answer.errorCode !== 0) throw kafkaError(answer.errorCode, 'no producer id')
    return answer
  })
  const sender = createSender(cluster, { producerId, producerEpoch, transactionalId: undefined }, options)
  const calls = createOneAtATime()
  return Object.freeze({
    producerId,
    producerEpoch,
    get spent() {
      return calls.spent
    },
    async send(records, call = {}) {
      const outbounds = sender.group(records)
      return calls.run(() => sender.send(outbounds, call))
    },
  } satisfies KafkaProducer)
}
