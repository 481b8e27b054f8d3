import {
  int64,
  json,
  milliseconds,
  stream,
  string,
  type Topology,
  table,
  topic,
  topology,
} from '../../lib/index.js'

/** Topologies that the tests of the driver run. */
export const words = topic('words', { key: string(), value: string() })
export const counts = topic('counts', { key: string(), value: int64() })

export const counting: Topology = topology('counting', [
  stream(words).groupByKey().count({ name: 'words-by-key' }).toStream().to(counts),
])

/** By another key, so through a repartition topic. */
export const countingLetters: Topology = topology('letters', [
  stream(words)
    .groupBy((word) => word.slice(0, 1), { name: 'by-letter', key: string() })
    .count({ name: 'letters' })
    .toStream()
    .to(counts),
])

export interface Order {
  readonly item: string
  readonly amount: number
}
export const orders = topic('orders', { key: string(), value: json<Order>() })
export const prices = topic('prices', { key: string(), value: int64() })
export const bills = topic('bills', { key: string(), value: json<{ item: string; price: number }>() })

/** Depends on what is there first: Kafka Streams' stream-table join. */
export const billing: Topology = topology('billing', [
  stream(orders)
    .join(table(prices), (order, price) => ({ item: order.item, price: price * order.amount }), {
      name: 'priced',
      value: json(),
    })
    .to(bills),
])

export const ticks = topic('ticks', { key: string(), value: string() })

/** Says when its timers fire. */
export const ticking = (type: 'stream-time' | 'wall-clock-time'): Topology =>
  topology('ticking', [
    stream(words)
      .process<string, string>({
        name: 'ticker',
        key: string(),
        value: string(),
        create: ({ emit, schedule }) => {
          schedule(milliseconds(10), type, (time) =>
            emit({ key: 'punctuation', value: `punctuate@${time}`, timestamp: time, headers: [] }),
          )
          return {
            process: ({ key, value, timestamp, headers }) =>
              emit({ key, value: value ?? '', timestamp, headers }),
          }
        },
      })
      .to(ticks),
  ])
