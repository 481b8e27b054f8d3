import { int64, json, type SourceTopic, stream, string, type Topology, topic, topology } from 'revlog'
import type { Broker } from '../../../lib/brokers/port.js'
import type { ProducerRecord } from '../../../lib/core/record.js'
import { lastRevisions } from '../../../lib/service/last-revisions.js'
import { createRawTopic } from '../admin.js'

interface Visit {
  readonly place: string
}

/** Two counters that notice every visit that is lost or counts twice, the second behind a repartition topic. */
export interface Counting {
  readonly topology: Topology
  readonly visits: SourceTopic<string, Visit>
  readonly byVisitor: SourceTopic<string, number>
  readonly byPlace: SourceTopic<string, number>
}

/** @param name begins the names of everything that it has on the broker */
export function countingOf(name: string): Counting {
  const visits = topic(`${name}-visits`, { key: string(), value: json<Visit>() })
  const byVisitor = topic(`${name}-by-visitor`, { key: string(), value: int64() })
  const byPlace = topic(`${name}-by-place`, { key: string(), value: int64() })
  return {
    visits,
    byVisitor,
    byPlace,
    topology: topology(name, [
      stream(visits).groupByKey().count({ name: 'visitors' }).toStream().to(byVisitor),
      stream(visits)
        .groupBy((visit) => visit.place, { name: 'by-place', key: string() })
        .count({ name: 'places' })
        .toStream()
        .to(byPlace),
    ]),
  }
}

export async function createTopics(address: string, counting: Counting, partitions: number): Promise<void> {
  const { visits, byVisitor, byPlace } = counting
  await createRawTopic(address, visits.name, { 'retention.ms': '-1' }, partitions)
  for (const { name } of [byVisitor, byPlace]) {
    await createRawTopic(address, name, { 'cleanup.policy': 'compact' }, partitions)
  }
}

const VISITORS = 500
const PLACES = 40
const visitor = (i: number): string => `visitor-${(i * 7) % VISITORS}`
const place = (i: number): string => `place-${(i * 13) % PLACES}`

/** The visits number `from` to `to - 1`. */
export const visitsOf = ({ visits }: Counting, from: number, to: number): readonly ProducerRecord[] =>
  Array.from({ length: to - from }, (_, n) => ({
    topic: visits.name,
    partition: undefined,
    key: Buffer.from(visitor(from + n)),
    value: Buffer.from(JSON.stringify({ place: place(from + n) })),
    timestamp: 1_700_000_000_000 + from + n,
    headers: [],
  }))

/** The tables after the first `n` visits. */
export const truthOf = (n: number) => {
  const count = (keyOf: (i: number) => string): Map<string, number> => {
    const counts = new Map<string, number>()
    for (let i = 0; i < n; i++) counts.set(keyOf(i), (counts.get(keyOf(i)) ?? 0) + 1)
    return sorted(counts)
  }
  return { byVisitor: count(visitor), byPlace: count(place) }
}

export async function tablesOf(broker: Broker, { byVisitor, byPlace }: Counting) {
  const read = async (topic: SourceTopic<string, number>): Promise<Map<string, number>> => {
    const rows = new Map<string, number>()
    for await (const { key, value } of lastRevisions(broker, topic)) rows.set(key!, value!)
    return sorted(rows)
  }
  return { byVisitor: await read(byVisitor), byPlace: await read(byPlace) }
}

const sorted = (rows: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
