/** Speed of the embedded broker alone, with records of 100 bytes: `node dist/test/bench/embedded-broker.js`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDirectory } from '../../lib/brokers/embedded/directory.js'
import { createLog, type EmbeddedLog } from '../../lib/brokers/embedded/log.js'
import { connectDirectory } from '../../lib/brokers/embedded/open.js'
import type { Broker } from '../../lib/brokers/port.js'
import type { ProducerRecord } from '../../lib/core/record.js'
import { openEnvironment } from '../../lib/state/lmdb/environment.js'

const RECORDS = 400_000
const PARTITIONS = 4
const DELETE = { cleanupPolicy: 'delete' } as const
const path = mkdtempSync(join(tmpdir(), 'revlog-bench-'))

const records: ProducerRecord[] = Array.from({ length: RECORDS }, (_, i) => ({
  topic: 't',
  partition: undefined,
  key: Buffer.from(`key-${i % 50_000}`.padEnd(12)),
  value: Buffer.alloc(88, i),
  timestamp: 1_700_000_000_000 + i,
  headers: [],
}))

function report(what: string, count: number, milliseconds: number): void {
  const rate = Math.round(count / milliseconds)
  const ns = Math.round((milliseconds * 1e6) / count)
  console.log(`${what.padEnd(58)} ${`${rate} k/s`.padStart(10)} ${`${ns} ns`.padStart(9)}`)
}

function append(log: EmbeddedLog, what: string, perCommit: number): void {
  const from = performance.now()
  for (let i = 0; i < RECORDS; i += perCommit) log.append(records.slice(i, i + perCommit))
  report(`append, ${what}, ${perCommit} a commit`, RECORDS, performance.now() - from)
}

function read(log: EmbeddedLog, maxRecords: number): void {
  const from = performance.now()
  let count = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let offset = 0, end = 1; offset < end; ) {
      const fetched = log.read({ topic: 't', partition, offset, maxRecords })
      count += fetched.records.length
      offset = fetched.nextOffset
      end = fetched.endOffset
    }
  }
  report(`read, ${maxRecords} a call`, count, performance.now() - from)
}

async function latency(broker: Broker, what: string, concurrent: number, calls: number): Promise<void> {
  const times: number[] = []
  const start = performance.now()
  const one = async (): Promise<void> => {
    while (times.length < calls) {
      const from = performance.now()
      await broker.produce(records.slice(0, 10))
      times.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: concurrent }, one))
  const took = performance.now() - start
  times.sort((a, b) => a - b)
  const at = (share: number): string => times[Math.floor(times.length * share)]!.toFixed(2)
  report(`produce, ${what}, ${concurrent} calls of 10 at once`, times.length * 10, took)
  console.log(`  acknowledged after: median ${at(0.5)} ms, 99th percentile ${at(0.99)} ms`)
}

try {
  for (const durability of ['durable', 'lazy'] as const) {
    const environment = openEnvironment(join(path, durability), { durability })
    const log = createLog(environment)
    log.topics.create({ name: 't', partitions: PARTITIONS, config: DELETE })
    for (const perCommit of [1_000, 5_000, 20_000]) append(log, durability, perCommit)
    if (durability === 'lazy') for (const size of [10_000, 10_000, 500]) read(log, size)
    await environment.close()
  }
  const directory = await openDirectory(join(path, 'directory'))
  await directory.broker.createTopic({ name: 't', partitions: PARTITIONS, config: DELETE })
  const remote = await connectDirectory(directory.path)
  for (const concurrent of [1, 32]) {
    await latency(directory.broker, 'direct', concurrent, 1_000)
    await latency(remote, 'socket', concurrent, 1_000)
  }
  for (const [what, broker] of [
    ['direct', directory.broker],
    ['socket', remote],
  ] as const) {
    const from = performance.now()
    await broker.produce(records)
    report(`produce, ${what}, one call`, RECORDS, performance.now() - from)
  }
  await remote.close()
  await directory.close()
} finally {
  rmSync(path, { recursive: true })
}
