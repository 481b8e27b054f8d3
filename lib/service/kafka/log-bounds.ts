import type { Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'

/** The first offset of a partition that is there, and its end. */
export async function boundsOf(
  client: KafkaClient,
  topic: string,
  partition: number,
  isolation: Isolation,
  signal: AbortSignal,
): Promise<{ readonly start: number; readonly end: number }> {
  const at = async (place: 'earliest' | 'latest'): Promise<number> => {
    const [found] = await client.listOffsets([{ topic, partition, at: place }], { isolation, signal })
    return found!.offset!
  }
  const start = await at('earliest')
  return { start, end: await at('latest') }
}
