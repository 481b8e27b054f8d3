import { int32, json, milliseconds, stream, string, type Topic, topic, topology } from 'revlog'
import type { Topology } from '../../../lib/topology/topology.js'

export interface Order {
  readonly id: string
  readonly who: string
  readonly at: number
}

export interface Price {
  readonly who: string
  readonly price: number
  readonly at: number
}

export interface Priced {
  readonly who: string
  readonly price: number
}

/** Topics and topologies of one run; `prefix` is a part of all their names. */
export interface Applications {
  readonly orders: Topic<string, Order>
  readonly prices: Topic<string, Price>
  readonly priced: Topic<string, Priced>
  readonly counts: Topic<string, number>
  readonly totals: Topic<string, number>
  readonly counter: Topology
  readonly asOf: Topology
  readonly aggregate: Topology
}

export function applications(prefix: string): Applications {
  const orders = topic(`${prefix}orders`, {
    key: string(),
    value: json<Order>(),
    timestamp: (order) => order.at,
  })
  const prices = topic(`${prefix}prices`, {
    key: string(),
    value: json<Price>(),
    timestamp: (price) => price.at,
  })
  const priced = topic(`${prefix}priced`, { key: string(), value: json<Priced>() })
  const counts = topic(`${prefix}counts`, { key: string(), value: int32() })
  const totals = topic(`${prefix}totals`, { key: string(), value: int32() })

  /** A counter, which every repeated input would spoil. */
  const counter: Topology = topology(`${prefix}counter`, [
    stream(orders).groupByKey().count({ name: 'counts' }).toStream().to(counts),
  ])

  const answers = stream(orders).asOfJoin(stream(prices), {
    name: 'price',
    id: (order) => order.id,
    join: (order, price): Priced => ({ who: order.who, price: price?.price ?? 0 }),
    gracePeriod: milliseconds(1_000_000),
  })

  const asOf: Topology = topology(`${prefix}as-of`, [answers.toStream().to(priced)])

  /** Answers that correct themselves, added up by another task behind a repartition topic. */
  const aggregate: Topology = topology(`${prefix}aggregate`, [
    answers.toStream().to(priced),
    answers
      .groupBy((answer) => `group-${answer.price % 3}`, {
        name: 'by-price',
        key: string(),
        value: json<Priced>(),
      })
      .aggregate({
        name: 'totals',
        init: () => 0,
        add: (total, answer) => total + answer.price,
        subtract: (total, answer) => total - answer.price,
        value: int32(),
      })
      .toStream()
      .to(totals),
  ])

  return { orders, prices, priced, counts, totals, counter, asOf, aggregate }
}

export const { orders, prices, counter, asOf, aggregate } = applications('')
