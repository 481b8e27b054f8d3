import { type Duration, milliseconds } from '../../../lib/core/duration.js'
import { lastHeader } from '../../../lib/core/record.js'
import { formatRevision, REVISION_HEADERS as H } from '../../../lib/core/revision.js'
import { stream } from '../../../lib/dsl/sources.js'
import type { AsOfJoinOptions, How } from '../../../lib/operators/as-of-join/index.js'
import { json } from '../../../lib/serdes/json.js'
import { bytes, string } from '../../../lib/serdes/primitives.js'
import { topic } from '../../../lib/topology/topic.js'
import { topology } from '../../../lib/topology/topology.js'
import type { TestDriverOptions } from '../../../test-driver/driver-options.js'
import { TopologyTestDriver } from '../../../test-driver/index.js'

export interface Order {
  readonly id: string
  readonly what: string
}

export const orders = topic('orders', { key: string(), value: json<Order>() })
export const prices = topic('prices', { key: string(), value: json<unknown>() })
export const bills = topic('bills', { key: string(), value: string() })
export const aside = topic('aside', { key: bytes(), value: bytes() })
export const dead = topic('dead', { key: bytes(), value: bytes() })

type JoinOptions = AsOfJoinOptions<string, Order, unknown, string, How, string>

export const ms = (n: number): Duration => milliseconds(n)

/** Two topics, a join and what it says: an answer is `what+price`, on one line with all that its headers say. */
export function scene(options: Partial<JoinOptions> = {}, driverOptions: TestDriverOptions = {}) {
  const joined = stream(orders).asOfJoin<unknown, string, How>(stream(prices), {
    name: 'join',
    id: (order) => order.id,
    join: (order, price) => `${order.what}+${price === undefined ? 'none' : JSON.stringify(price)}`,
    gracePeriod: ms(100),
    ...options,
  })
  const driver = new TopologyTestDriver(topology('scene', [joined.toStream().to(bills)]), driverOptions)
  const counters = () => [...driver.metrics().values()][0]!.counters
  return {
    driver,
    order: (id: string, t: number, what = id, key = 'k') =>
      driver.inputTopic(orders).pipeInput(key, { id, what }, t),
    price: (value: unknown, t: number, key = 'k') => driver.inputTopic(prices).pipeInput(key, value, t),
    /** What was answered since the last time, a line each. */
    said: (): readonly string[] => driver.outputTopic(bills).readRecordsToList().map(lineOf),
    count: (name: string): number => counters().get(`join.${name}`) ?? 0,
    dropped: () => Object.fromEntries(driver.dropped()),
  }
}

interface Written {
  readonly key: string
  readonly value: string | undefined
  readonly timestamp: number
  readonly headers: Parameters<typeof lastHeader>[0]
}

export function lineOf({ key, value, timestamp, headers }: Written): string {
  const get = (name: string) => lastHeader(headers, name)
  const revision = get(H.revision)
  const asOf = get(H.asOf)
  const cause = get(H.cause)
  return [
    `${key}: ${value ?? 'gone'} @${timestamp}`,
    revision === undefined ? 'no revision' : formatRevision(revision),
    ...(asOf === undefined ? [] : [`as of ${asOf.readBigInt64BE(0)}`]),
    ...(cause === undefined ? [] : [`by ${cause}`]),
    ...(get(H.final) === undefined ? [] : ['final']),
    ...(get(H.late) === undefined ? [] : ['late']),
    ...(get(H.historyExpired) === undefined ? [] : ['history expired']),
  ].join(', ')
}
