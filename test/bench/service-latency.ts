import { lastHeader, type ProducerRecord } from '../../lib/core/record.js'
import { REVISION_HEADERS } from '../../lib/core/revision.js'
import { run } from '../../lib/service/run.js'
import type { Service } from '../../lib/service/service.js'
import { type Job, OUTPUT } from './jobs.js'
import type { Measured } from './measure.js'
import { recordOf } from './service-run.js'
import { readWorkload } from './workload.js'

export interface LatencyRun {
  readonly directory: string
  readonly job: Job
  readonly file: string
  readonly records: number
  readonly tick: () => void
}

/** Of the input, as fast as it goes, with the reader of the answers there as well: what tells the peak. */
const WARM_UP = 400_000
const PRODUCE_EVERY_MS = 5

/**
 * When a record was handed to `produce`: before it was acknowledged, so that its own way to the disk counts. By the
 * number of a left and by the offset of a right. Everything that is written down has its place from the start: a map
 * that grows to a million entries stands still for 60 ms, and that would be measured too.
 */
interface Arrivals {
  readonly ofLeft: Float64Array
  readonly ofRight: Float64Array
}

/** Times in milliseconds, as many as there is room for. */
interface Latencies {
  readonly times: Float64Array
  count: number
}

const roomFor = (records: number): Latencies => ({ times: new Float64Array(records), count: 0 })

/**
 * Produces a workload at half the peak rate, in the same process, and reads the answers as any reader does. A first
 * answer's latency counts from the arrival of its left record, a correction's from that of the right record that it
 * names as its cause.
 */
export async function measureLatency({ directory, job, file, records, tick }: LatencyRun): Promise<Measured> {
  const service = await run(job.topology, { directory })
  const arrivals = { ofLeft: new Float64Array(records), ofRight: new Float64Array(records) }
  const feed = feeder(service, job, file, records, arrivals)
  const warm = Math.min(WARM_UP, records / 2)
  const reading = { measured: false, done: new AbortController() }
  const latencies = readAnswers(service, arrivals, records, reading)
  const begin = performance.now()
  for (let sent = 0; sent < warm; ) sent += await feed.send(10_000)
  await service.caughtUp()
  const peak = (warm / (performance.now() - begin)) * 1_000
  const rate = peak / 2
  reading.measured = true

  const start = performance.now()
  for (let sent = 0, done = false; !done; ) {
    tick()
    const due = Math.floor(((performance.now() - start) / 1_000) * rate)
    // Not awaited: a producer that waits for its acknowledgement would slow down with the service.
    const n = due > sent ? feed.sendNow(due - sent) : 0
    done = due > sent && n === 0
    sent += n
    await new Promise((resolve) => setTimeout(resolve, PRODUCE_EVERY_MS))
  }
  await feed.acknowledged()
  await service.caughtUp()
  await new Promise((resolve) => setTimeout(resolve, 300))
  reading.done.abort()
  const { first, corrections } = await latencies
  await service.stop()
  return {
    records,
    details: {
      peakPerSecond: Math.round(peak),
      ratePerSecond: Math.round(rate),
      firstAnswers: first.count,
      firstP50Ms: at(first, 0.5),
      firstP99Ms: at(first, 0.99),
      corrections: corrections.count,
      correctionP50Ms: at(corrections, 0.5),
      correctionP99Ms: at(corrections, 0.99),
      correctionMaxMs: at(corrections, 1),
    },
  }
}

const at = ({ times, count }: Latencies, q: number): number => {
  const sorted = times.slice(0, count).sort()
  return Number((sorted[Math.min(count - 1, Math.floor(q * count))] ?? Number.NaN).toFixed(1))
}

function feeder(service: Service, job: Job, file: string, records: number, arrivals: Arrivals) {
  const chunks = readWorkload(file, records)
  const toRecord = recordOf(job)
  let waiting: ProducerRecord[] = []
  const calls: Promise<unknown>[] = []
  let rights = 0
  const take = (n: number): ProducerRecord[] => {
    while (waiting.length < n) {
      const { value } = chunks.next()
      if (value === undefined) break
      waiting = waiting.concat(value.map(toRecord))
    }
    const taken = waiting.slice(0, n)
    waiting = waiting.slice(n)
    const now = performance.now()
    for (const { topic, value } of taken) {
      if (topic === job.inputs[0]) arrivals.ofLeft[value!.readDoubleBE(0)] = now
      else arrivals.ofRight[rights++] = now
    }
    return taken
  }
  return {
    async send(n: number): Promise<number> {
      const taken = take(n)
      await service.broker.produce(taken)
      return taken.length
    },
    sendNow(n: number): number {
      const taken = take(n)
      if (taken.length > 0) calls.push(service.broker.produce(taken))
      return taken.length
    },
    acknowledged: () => Promise.all(calls),
  }
}

async function readAnswers(
  service: Service,
  arrivals: Arrivals,
  most: number,
  reading: { readonly measured: boolean; readonly done: AbortController },
): Promise<{ readonly first: Latencies; readonly corrections: Latencies }> {
  const first = roomFor(most)
  const corrections = roomFor(most)
  let offset = (await service.broker.endOffsets(OUTPUT))[0]!
  while (!reading.done.signal.aborted) {
    await service.broker.waitForData([{ topic: OUTPUT, partition: 0, offset }], 100)
    const { records, nextOffset } = await service.broker.fetch({ topic: OUTPUT, partition: 0, offset })
    const now = performance.now()
    offset = nextOffset
    if (!reading.measured) continue
    for (const { value, headers } of records) {
      const cause = lastHeader(headers, REVISION_HEADERS.cause)
      if (cause === undefined) {
        first.times[first.count++] = now - arrivals.ofLeft[value!.readDoubleBE(0)]!
      } else {
        const right = Number(cause.toString().split('@')[1])
        corrections.times[corrections.count++] = now - arrivals.ofRight[right]!
      }
    }
  }
  return { first, corrections }
}
