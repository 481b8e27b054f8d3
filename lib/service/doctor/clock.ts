import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { KafkaTopic } from '../../brokers/kafka/topic-admin.js'
import { retentionOf } from '../../brokers/kafka/topic-config.js'
import { type Check, note } from './check.js'

/** Further ahead of our clock than clocks that are set by the network are from each other. */
const AHEAD_MS = 60_000

/**
 * Kafka tells its time to nobody who does not write. What can be seen are records of a source from the future, which
 * are of a clock that goes wrong, ours or another one, or have their time in another unit; and records so old that the
 * broker, which counts retention by their time, deletes them as soon as it looks.
 */
export async function checkClock(
  client: KafkaClient,
  sources: readonly KafkaTopic[],
  now: number,
): Promise<readonly Check[]> {
  const checks: Check[] = []
  const places = sources.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  )
  const since = (at: number) =>
    client.listOffsets(
      places.map((place) => ({ ...place, at })),
      { isolation: 'read_uncommitted' },
    )
  const ahead = (await since(now + AHEAD_MS)).find(({ offset }) => offset !== undefined)
  if (ahead !== undefined) {
    const { topic, partition, offset, timestamp } = ahead
    checks.push({
      area: 'clock',
      severity: 'warning',
      code: 'E_RECORD_FROM_THE_FUTURE',
      said: `the record ${topic}/${partition}/${offset} is of ${dateOf(timestamp)}, which this machine's clock has not reached`,
      remedy: 'set the clocks, or correct the unit of event times: they are milliseconds',
    })
  }
  const first = await since(0)
  for (const topic of sources) {
    const retentionMs = retentionOf(topic)
    if (retentionMs === undefined || topic.config.get('message.timestamp.type') === 'LogAppendTime') continue
    const times = first.filter(({ topic: name, offset }) => name === topic.name && offset !== undefined)
    const oldest = Math.min(...times.map(({ timestamp }) => timestamp))
    if (oldest >= now - retentionMs || times.length === 0) continue
    checks.push({
      area: 'clock',
      severity: 'warning',
      code: 'E_TOPIC_RETENTION',
      said: `topic ${topic.name} has records of ${dateOf(oldest)}, and its retention.ms of ${retentionMs} deletes them at any moment: it goes by their event time`,
      remedy: 'raise retention.ms of the topic (-1 is for ever), or process them soon',
    })
  }
  checks.push(note('clock', `Kafka tells no time without a write; this machine says ${dateOf(now)}`))
  return checks
}

const dateOf = (ms: number): string => {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}
