import type { Isolation, KafkaClient } from '../../../lib/brokers/kafka/kafka-client.js'
import type { LogRecord, TopicPartition } from '../../../lib/core/record.js'

/** All of a topic, partition by partition, up to where it ends now. */
export async function readTopic(
  client: KafkaClient,
  topic: string,
  partitions: number,
  isolation: Isolation,
): Promise<readonly (readonly LogRecord[])[]> {
  const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const ends = await endsOf(client, places, isolation)
  const starts = await client.listOffsets(
    places.map((place) => ({ ...place, at: 'earliest' as const })),
    { isolation },
  )
  const fetcher = client.fetcher({ isolation })
  const found: LogRecord[][] = places.map(() => [])
  const next = starts.map(({ offset }) => offset!)
  try {
    for (;;) {
      const open = places.filter(({ partition }) => next[partition]! < ends[partition]!)
      if (open.length === 0) return found
      const positions = open.map((place) => ({ ...place, offset: next[place.partition]! }))
      for (const answer of await fetcher.poll(positions, { maxWaitMs: 100 })) {
        if (answer.error !== undefined) throw answer.error
        found[answer.partition]!.push(...answer.records)
        next[answer.partition] = answer.nextOffset
      }
    }
  } finally {
    fetcher.close()
  }
}

export async function endsOf(
  client: KafkaClient,
  places: readonly TopicPartition[],
  isolation: Isolation,
): Promise<readonly number[]> {
  const found = await client.listOffsets(
    places.map((place) => ({ ...place, at: 'latest' as const })),
    { isolation },
  )
  return found.map(({ offset }) => offset!)
}
