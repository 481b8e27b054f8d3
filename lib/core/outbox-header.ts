import type { Headers } from './record.js'
import { lastHeader } from './record.js'

/**
 * On records of repartition topics that may have been sent twice: who sent them, and their number. A sender numbers
 * upwards and sends in that order, so whoever has seen a number has seen all below it, and drops what comes again.
 */
const NAME = 'revlog-outbox'

export interface OutboxNumber {
  readonly sender: string
  readonly sequence: number
}

export const outboxHeader = (sender: string, sequence: number): Headers[number] => ({
  key: NAME,
  value: Buffer.from(`${sequence} ${sender}`),
})

export function outboxNumber(headers: Headers): OutboxNumber | undefined {
  if (headers.length === 0) return undefined
  const text = lastHeader(headers, NAME)?.toString()
  if (text === undefined) return undefined
  const space = text.indexOf(' ')
  const sequence = Number(text.slice(0, space))
  return space > 0 && Number.isSafeInteger(sequence) ? { sender: text.slice(space + 1), sequence } : undefined
}

/** The headers as the sender's topology gave them. */
export const withoutOutbox = (headers: Headers): Headers => headers.filter(({ key }) => key !== NAME)
