import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker } from '../brokers/port.js'
import { RevlogError } from '../core/errors.js'
import type { Context } from './command.js'
import { connectBroker, type Place } from './log-place.js'
import { readTopic } from './read-topic.js'
import { recordLine } from './record-line.js'
import type { CliTopic } from './topics.js'

/** Prints records from `positions` to `ends`, or to what is there now; returns where to go on. */
export async function printRecords(
  broker: Broker,
  topic: CliTopic,
  positions: readonly number[],
  ends: readonly number[] | undefined,
  { screen, stop }: Context,
): Promise<readonly number[]> {
  const next = [...positions]
  for await (const { partition, record } of readTopic(broker, topic.name, next, ends, stop)) {
    await screen.result(recordLine(topic, partition, record))
  }
  await screen.flush()
  return next
}

const WAIT_MS = 1_000
const RETRY_MS = 250

/**
 * Prints what arrives, until it is stopped. Of a folder it reads through the process that holds it and never holds it
 * itself: a follower must not keep a topology from being run. While nobody holds the folder, and while no broker of
 * Kafka can be reached, nothing can arrive.
 */
export async function followTopic(
  place: Place,
  topic: CliTopic,
  positions: readonly number[],
  context: Context,
): Promise<void> {
  const { stop } = context
  const stopped = aborted(stop)
  let next = positions
  while (!stop.aborted) {
    try {
      const broker = await connectBroker(place)
      try {
        while (!stop.aborted) {
          next = await printRecords(broker, topic, next, undefined, context)
          const places = next.map((offset, partition) => ({ topic: topic.name, partition, offset }))
          await Promise.race([broker.waitForData(places, WAIT_MS), stopped])
        }
      } finally {
        await broker.close()
      }
    } catch (thrown) {
      if (!(thrown instanceof RevlogError) || !NOBODY_THERE.has(thrown.code)) throw thrown
      await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => {})
    }
  }
}

const NOBODY_THERE: ReadonlySet<string> = new Set([
  'E_STATE_DIR_NOT_HELD',
  'E_BROKER_GONE',
  'E_BROKER_UNREACHABLE',
])

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
