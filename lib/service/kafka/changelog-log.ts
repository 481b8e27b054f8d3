import type { Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { ChangelogLog } from '../protocol/ports.js'
import { boundsOf } from './log-bounds.js'

/** What one answer may bring: a changelog is read as fast as it comes. */
const BYTES = 8 << 20
const WAIT_MS = 500

/** A changelog partition, and the connections that read it. */
export interface OpenChangelog extends ChangelogLog {
  readonly close: () => void
}

export function openChangelog(
  client: KafkaClient,
  topic: string,
  partition: number,
  isolation: Isolation,
  signal: AbortSignal,
): OpenChangelog {
  const fetcher = client.fetcher({ isolation, maxBytes: BYTES, maxPartitionBytes: BYTES })
  return {
    topic,
    partition,
    bounds: () => boundsOf(client, topic, partition, isolation, signal),
    async read(offset) {
      for (;;) {
        const [answer] = await fetcher.poll([{ topic, partition, offset }], { maxWaitMs: WAIT_MS, signal })
        if (answer === undefined) continue
        if (answer.error !== undefined) throw answer.error
        return { records: answer.records, nextOffset: answer.nextOffset }
      }
    },
    close: fetcher.close,
  }
}
