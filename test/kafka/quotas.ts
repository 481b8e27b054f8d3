import { array, ask, int8, string } from './wire.js'

const ALTER_CLIENT_QUOTAS = 49

export type Quota = 'producer_byte_rate' | 'consumer_byte_rate' | 'request_percentage'

/** Limits what clients of this name may do: bytes per second, or hundredths of one of the broker's threads. */
export async function setQuotas(
  address: string,
  clientId: string,
  quotas: { readonly [quota in Quota]?: number },
): Promise<void> {
  const operations = Object.entries(quotas).map(([quota, value]) =>
    Buffer.concat([string(quota), float64(value), int8(0)]),
  )
  const entry = Buffer.concat([
    array([Buffer.concat([string('client-id'), string(clientId)])]),
    array(operations),
  ])
  const body = await ask(address, ALTER_CLIENT_QUOTAS, 0, Buffer.concat([array([entry]), int8(0)]))
  // After the time that we are throttled and the number of entries.
  const errorCode = body.readInt16BE(8)
  if (errorCode !== 0) throw new Error(`Kafka does not set quotas: error ${errorCode}`)
}

function float64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}
