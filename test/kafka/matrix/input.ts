import type { KafkaClient, PlacedRecord } from '../../../lib/brokers/kafka/kafka-client.js'
import type { Applications, Order, Price } from '../../service/protocol/sim-application.js'
import type { Random } from '../../state/random.js'

/** What was written, in the order of the logs. */
export interface Input {
  readonly orders: readonly Order[]
  readonly prices: readonly Price[]
  /** Writes some more, durably. */
  more(records: number): Promise<void>
  /** Writes a few at a time, until it is told to stop. */
  trickle(): { stop(): Promise<void> }
}

export const PARTITIONS = 6
const KEYS_PER_PARTITION = 3
const PAUSE_MS = 40
const MOST_AT_ONCE = 8
/** Event times: the two sides come in any order. */
const TIMES = 1_000

/** @param random decides what each record is; how many there are in the end is a matter of time */
export async function openInput(client: KafkaClient, topics: Applications, random: Random): Promise<Input> {
  const producer = await client.producer({ timeoutMs: Infinity })
  const orders: Order[] = []
  const prices: Price[] = []

  function next(): PlacedRecord {
    const partition = random.integer(PARTITIONS)
    const who = `who-${partition}-${random.integer(KEYS_PER_PARTITION)}`
    const at = random.integer(TIMES)
    // The event time is in the value. A broker that comes back has forgotten producers whose last record is, by its
    // own time, older than a day, and then takes a repeated batch for a new one.
    const common = { partition, key: Buffer.from(who), timestamp: Date.now(), headers: [] }
    if (random.chance(0.5)) {
      const order: Order = { id: `o${orders.length}`, who, at }
      orders.push(order)
      return { ...common, topic: topics.orders.name, value: Buffer.from(JSON.stringify(order)) }
    }
    const price: Price = { who, price: random.integer(100) + 1, at }
    prices.push(price)
    return { ...common, topic: topics.prices.name, value: Buffer.from(JSON.stringify(price)) }
  }
  async function more(records: number): Promise<void> {
    await producer.send(Array.from({ length: records }, next), { timeoutMs: Infinity })
  }

  return {
    orders,
    prices,
    more,
    trickle() {
      let stopping = false
      const running = (async () => {
        while (!stopping) {
          await more(1 + random.integer(MOST_AT_ONCE))
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        }
      })()
      running.catch(() => {})
      return {
        stop() {
          stopping = true
          return running
        },
      }
    },
  }
}
