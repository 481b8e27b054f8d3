import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import { apiVersionsRequest, SPOKEN } from '../../brokers/kafka/wire/api-versions.js'
import { type Check, ok } from './check.js'

const PRODUCE = 0
/** Since Kafka 4.0 (KIP-890). */
const PRODUCE_OF_KAFKA_4 = 12

/** Whether the brokers speak what we speak. They tell no release, only what they can be asked. */
export async function checkVersions(client: KafkaClient): Promise<readonly Check[]> {
  const { apis } = await client.ask(apiVersionsRequest())
  const ranges = new Map(apis.map((range) => [range.apiKey, range]))
  const missing = SPOKEN.filter(({ apiKey, apiVersion }) => {
    const range = ranges.get(apiKey)
    return range === undefined || apiVersion < range.minVersion || apiVersion > range.maxVersion
  })
  if (missing.length > 0) {
    return [
      {
        area: 'versions',
        severity: 'error',
        code: 'E_BROKER_VERSION',
        said: `the broker does not speak ${missing.map(({ apiName, apiVersion }) => `${apiName} ${apiVersion}`).join(', ')}`,
        remedy: 'use Apache Kafka 2.7 or newer, and a version of revlog that knows this broker',
      },
    ]
  }
  const release =
    (ranges.get(PRODUCE)?.maxVersion ?? 0) >= PRODUCE_OF_KAFKA_4 ? '4.0 or newer' : 'older than 4.0'
  return [
    ok('versions', `the broker speaks all ${SPOKEN.length} requests of revlog; it is of Kafka ${release}`),
  ]
}
