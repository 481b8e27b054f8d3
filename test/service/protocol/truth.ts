import type { LogRecord } from '../../../lib/core/record.js'
import { lastHeader } from '../../../lib/core/record.js'
import { compareRevisions, REVISION_HEADERS } from '../../../lib/core/revision.js'
import type { Order, Price, Priced } from './sim-application.js'

/** What batch programs make of all that was ever written. */
export interface Truth {
  readonly counts: ReadonlyMap<string, number>
  readonly priced: ReadonlyMap<string, Priced>
  readonly totals: ReadonlyMap<string, number>
}

/** @param prices in the order of their log, which decides between prices of the same time */
export function truthOf(orders: readonly Order[], prices: readonly Price[]): Truth {
  const counts = new Map<string, number>()
  const priced = new Map<string, Priced>()
  const totals = new Map<string, number>()
  for (const { id, who, at } of orders) {
    counts.set(who, (counts.get(who) ?? 0) + 1)
    let best: Price | undefined
    for (const price of prices) {
      if (price.who === who && price.at <= at && (best === undefined || price.at >= best.at)) best = price
    }
    priced.set(id, { who, price: best?.price ?? 0 })
  }
  for (const { price } of priced.values()) {
    const group = `group-${price % 3}`
    totals.set(group, (totals.get(group) ?? 0) + price)
  }
  return { counts, priced, totals }
}

/** The answer of the greatest revision for each key; the last one written among equals. */
export function greatestRevisions(records: readonly LogRecord[]): ReadonlyMap<string, string> {
  const greatest = new Map<string, { readonly revision: Buffer; readonly value: string }>()
  for (const { key, value, headers } of records) {
    const id = key!.toString()
    const revision = lastHeader(headers, REVISION_HEADERS.revision)!
    const known = greatest.get(id)
    if (known !== undefined && compareRevisions(revision, known.revision) < 0) continue
    greatest.set(id, { revision, value: value!.toString() })
  }
  return new Map([...greatest].map(([id, { value }]) => [id, value]))
}
