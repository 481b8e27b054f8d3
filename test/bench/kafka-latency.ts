import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KafkaClient, PlacedRecord } from '../../lib/brokers/kafka/kafka-client.js'
import { NO_HEADERS } from '../../lib/core/record.js'
import type { BenchOptions } from './benchmarks.js'
import { inputFile } from './input-file.js'
import type { JobNames } from './jobs.js'
import type { AppOptions } from './kafka-app.js'
import { COMMIT_MS } from './kafka-run.js'
import { applicationName, COMPACTED, createTopics, deleteTopics, withClient } from './kafka-topics.js'
import { javaArguments } from './peer.js'
import type { Result } from './result.js'
import { programArguments } from './run-child.js'
import { cpuSecondsOf } from './usage.js'
import { GRACE_MS, readWorkload, type WorkloadRecord } from './workload.js'

const RECORDS = 2_000_000
/** There before the application starts: what tells its peak. The first half of it warms it up. */
const BACKLOG = 400_000
const PRODUCE_EVERY_MS = 5
const SETTLE_MS = 2_000
const MEASURE_MS = 12_000

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * At half the rate that the system reaches (or at what a short workload has records for), at least once with a commit every 100 ms: how long after a left record was
 * sent its first answer was in the broker's log, and a correction after the right record that it is due to. The broker's
 * own clock says when an answer came (the output topic has `LogAppendTime`). The same for every system, from outside:
 * the answer says which left and which right record it is made of.
 */
export async function kafkaLatency(
  benchmark: string,
  system: 'revlog' | 'java',
  { records = RECORDS, graceMs = GRACE_MS, kafka, rate: given }: BenchOptions,
): Promise<Result> {
  const { address } = kafka!
  const application = applicationName('latency')
  // What the Java peer calls them for a file of that name.
  const names: JobNames = {
    application,
    left: `ks-${application}-left`,
    right: `ks-${application}-right`,
    output: `${application}-out`,
  }
  const directory = mkdtempSync(join(tmpdir(), 'revlog-bench-kafka-'))
  return withClient(address, async (client) => {
    let app: ChildProcess | undefined
    try {
      await createTopics(client, [names.left, names.right])
      await createTopics(client, [names.output], { ...COMPACTED, 'message.timestamp.type': 'LogAppendTime' })
      const feed = await createFeed(client, names, inputFile('asof-hot', records), records)
      await feed.backlog(Math.min(BACKLOG, records / 2))
      const answers = readAnswers(client, names.output, feed)
      app =
        system === 'revlog'
          ? startRevlog({
              ...{ job: 'asof-hot', names, graceMs, address, directory },
              guarantee: 'at_least_once',
              untilCaughtUp: false,
            })
          : startJava(address, application, directory, graceMs)
      const peak = await answers.peak()
      const rate = given ?? Math.min(peak / 2, feed.fastest(SETTLE_MS + MEASURE_MS))
      await feed.paced(rate, SETTLE_MS)
      const cpu = cpuSecondsOf(app.pid)
      const from = Date.now()
      await feed.paced(rate, MEASURE_MS)
      const seconds = (Date.now() - from) / 1_000
      const cpuSeconds = cpuSecondsOf(app.pid) - cpu
      const fed = feed.sentSince(from)
      await rest(1_000)
      const { first, corrections } = await answers.end(from)
      return {
        benchmark,
        records: fed,
        seconds: Number(seconds.toFixed(2)),
        recordsPerSecond: Math.round(fed / seconds),
        nsPerRecord: Math.round((seconds * 1e9) / fed),
        cpuSeconds: Number(cpuSeconds.toFixed(2)),
        othersCpuSeconds: 0,
        peakRssMiB: 0,
        peakAnonMiB: 0,
        peakMappedMiB: 0,
        load: Number(loadavg()[0]!.toFixed(1)),
        peakPerSecond: Math.round(peak),
        firstAnswers: first.length,
        firstP50Ms: at(first, 0.5),
        firstP99Ms: at(first, 0.99),
        corrections: corrections.length,
        correctionP50Ms: at(corrections, 0.5),
        correctionP99Ms: at(corrections, 0.99),
      }
    } finally {
      if (app !== undefined) await end(app)
      await deleteTopics(client, application)
      await deleteTopics(client, `ks-${application}`)
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

const startRevlog = (options: AppOptions): ChildProcess =>
  spawn(process.execPath, programArguments('kafka-app.js', [JSON.stringify(options)]), {
    stdio: ['ignore', 'ignore', 'inherit'],
  })

/** It ends by itself when the output rests for half a second, which here is after the measurement. */
const startJava = (address: string, application: string, directory: string, graceMs: number): ChildProcess =>
  spawn(
    'java',
    javaArguments(
      ...['broker', 'asof-segmented', application, '--brokers', address, '--id', application],
      ...['--state-dir', directory, '--grace', String(graceMs), '--guarantee', 'at_least_once'],
      ...['--config', `commit.interval.ms=${COMMIT_MS}`],
    ),
    { stdio: ['ignore', 'ignore', 'ignore'] },
  )

async function end(app: ChildProcess): Promise<void> {
  if (app.exitCode !== null || app.signalCode !== null) return
  const exited = once(app, 'exit')
  app.kill('SIGTERM')
  const late = setTimeout(() => app.kill('SIGKILL'), 20_000)
  await exited
  clearTimeout(late)
}

const at = (latencies: number[], q: number): number => {
  latencies.sort((a, b) => a - b)
  return latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? Number.NaN
}

interface Feed {
  readonly backlog: (records: number) => Promise<void>
  /** As many as the rate asks for, for some time. */
  readonly paced: (perSecond: number, ms: number) => Promise<void>
  /** Records per second for which what is left will do. */
  readonly fastest: (ms: number) => number
  readonly sentSince: (wallTime: number) => number
  readonly lefts: () => number
  /** By the event's number, when it was sent: before it was in the log, so that the way there counts. */
  readonly sentAt: Float64Array
}

async function createFeed(
  client: KafkaClient,
  names: JobNames,
  file: string,
  records: number,
): Promise<Feed> {
  const producer = await client.producer()
  const chunks = readWorkload(file, records)
  const sentAt = new Float64Array(records)
  let waiting: WorkloadRecord[] = []
  let lefts = 0
  let all = 0

  async function send(n: number): Promise<number> {
    while (waiting.length < n) {
      const { value } = chunks.next()
      if (value === undefined) break
      waiting = waiting.concat(value)
    }
    const taken = waiting.slice(0, n)
    waiting = waiting.slice(n)
    const now = Date.now()
    const placed = taken.map(({ side, timestamp, key, value }): PlacedRecord => {
      sentAt[value.readDoubleBE(0)] = now
      if (side === 0) lefts++
      const topic = side === 0 ? names.left : names.right
      return { topic, partition: 0, key, value, timestamp, headers: NO_HEADERS }
    })
    if (placed.length > 0) await producer.send(placed)
    all += placed.length
    return placed.length
  }
  return {
    sentAt,
    lefts: () => lefts,
    fastest: (ms) => (0.9 * (records - all) * 1_000) / ms,
    sentSince: (wallTime) => sentAt.reduce((n, time) => (time >= wallTime ? n + 1 : n), 0),
    async backlog(n) {
      for (let sent = 0; sent < n; ) sent += await send(Math.min(5_000, n - sent))
    },
    async paced(perSecond, ms) {
      const start = performance.now()
      for (let sent = 0; ; ) {
        const passed = performance.now() - start
        if (passed >= ms) return
        const due = Math.floor((passed / 1_000) * perSecond) - sent
        if (due > 0) {
          const n = await send(due)
          if (n === 0) throw new Error('the workload is too short for this rate: ask for more --records')
          sent += n
        }
        await rest(PRODUCE_EVERY_MS)
      }
    },
  }
}

interface Answers {
  /** Records per second of the second half of the backlog, once all of it is answered. */
  readonly peak: () => Promise<number>
  /** Latencies in milliseconds of what was sent since. */
  readonly end: (since: number) => Promise<{ readonly first: number[]; readonly corrections: number[] }>
}

function readAnswers(client: KafkaClient, output: string, { sentAt, lefts }: Feed): Answers {
  const answered = new Uint8Array(sentAt.length)
  const times = { first: [] as number[], corrections: [] as number[] }
  const causes = { first: [] as number[], corrections: [] as number[] }
  let firsts = 0
  let half: number | undefined
  let whole: number | undefined
  let over = false
  let announce = (_: number): void => {}
  const peak = new Promise<number>((resolve) => {
    announce = resolve
  })
  const backlog = lefts()

  const take = (value: Buffer, appended: number): void => {
    const left = value.readDoubleBE(0)
    const right = value.readDoubleBE(value.length - 8)
    const kind = answered[left] === 0 ? 'first' : 'corrections'
    const cause = kind === 'first' ? left : right
    times[kind].push(appended)
    causes[kind].push(cause)
    if (kind === 'corrections') return
    answered[left] = 1
    firsts++
    if (firsts === backlog >> 1) half = appended
    if (firsts === backlog) {
      whole = appended
      // Both sides: an answer to a left record stands for two records of the input.
      announce(backlog / ((whole - half!) / 1_000))
    }
  }

  const reading = (async () => {
    const fetcher = client.fetcher({ isolation: 'read_uncommitted' })
    for (let offset = 0; !over; ) {
      const [found] = await fetcher.poll([{ topic: output, partition: 0, offset }], { maxWaitMs: 100 })
      for (const { value, timestamp } of found?.records ?? []) take(value!, timestamp)
      offset = found?.nextOffset ?? offset
    }
    fetcher.close()
  })()

  return {
    peak: () => Promise.race([peak, reading.then(() => Number.NaN)]),
    async end(since) {
      over = true
      await reading
      const latencies = (kind: 'first' | 'corrections'): number[] =>
        times[kind].flatMap((time, i) => {
          const sent = sentAt[causes[kind][i]!]!
          return sent >= since ? [time - sent] : []
        })
      return { first: latencies('first'), corrections: latencies('corrections') }
    },
  }
}
