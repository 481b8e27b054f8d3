import { type Folder, lines, strangersFolder } from '../cli/revlog.js'
import { createRawTopic } from './admin.js'

/**
 * Totals of orders: a sum, which no record may enter twice. What is read is a stream, what is written a table; the
 * name is that of the group, the state and both topics.
 */
export const SHOP = (name: string): string => `
import { json, stream, string, topic, topology } from 'revlog'
const orders = topic('${name}-orders', {
  key: string(), value: json(), timestamp: (o) => o.time, keyOf: (o) => o.customer,
})
const totals = topic('${name}-totals', { key: string(), value: json() })
const total = stream(orders).mapValues((o) => o.amount)
  .groupByKey().reduce((a, b) => a + b, { name: 'total', value: json() })
export default topology('${name}', [total.toStream().to(totals)])
`
export const ORDERS = 'customer,time,amount\nada,1,5\nbob,2,7\nada,3,10\n'
export const TOTALS = [
  ['ada', 15],
  ['bob', 7],
]

/** Where somebody has the shop, and its orders. */
export function shopFolder(name: string): Folder {
  const folder = strangersFolder()
  folder.write('shop.js', SHOP(name))
  folder.write('orders.csv', ORDERS)
  return folder
}

/** What a command printed: keys and values. */
export const rows = (out: string): unknown[] => lines(out).map(({ key, value }) => [key, value])

export async function makeShopTopics(address: string, name: string, partitions = 3): Promise<void> {
  await createRawTopic(address, `${name}-orders`, { 'retention.ms': '-1' }, partitions)
  await createRawTopic(address, `${name}-totals`, { 'cleanup.policy': 'compact' }, partitions)
}

/** So many orders of a hundred customers, and what they come to. */
export function manyOrders(n: number): { readonly csv: string; readonly totals: unknown[] } {
  const totals = new Map<string, number>()
  const csv = ['customer,time,amount']
  for (let i = 0; i < n; i++) {
    const customer = `c${(i * 7_919) % 100}`
    csv.push(`${customer},${i},${i % 13}`)
    totals.set(customer, (totals.get(customer) ?? 0) + (i % 13))
  }
  return { csv: csv.join('\n'), totals: [...totals].sort(([a], [b]) => (a < b ? -1 : 1)) }
}
