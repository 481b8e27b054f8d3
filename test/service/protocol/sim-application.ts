import { int32, json, milliseconds, stream, string, topic, topology } from 'revlog'
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

export const orders = topic('orders', {
  key: string(),
  value: json<Order>(),
  timestamp: (order) => order.at,
})
export const prices = topic('prices', {
  key: string(),
  value: json<Price>(),
  timestamp: (price) => price.at,
})
export const priced = topic('priced', { key: string(), value: json<Priced>() })
export const counts = topic('counts', { key: string(), value: int32() })
export const totals = topic('totals', { key: string(), value: int32() })

/** A counter, which every repeated input would spoil. */
export const counter: Topology = topology('counter', [
  stream(orders).groupByKey().count({ name: 'counts' }).toStream().to(counts),
])

const answers = stream(orders).asOfJoin(stream(prices), {
  name: 'price',
  id: (order) => order.id,
  join: (order, price): Priced => ({ who: order.who, price: price?.price ?? 0 }),
  gracePeriod: milliseconds(1_000_000),
})

export const asOf: Topology = topology('as-of', [answers.toStream().to(priced)])

/** Answers that correct themselves, added up by another task behind a repartition topic. */
export const aggregate: Topology = topology('aggregate', [
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
