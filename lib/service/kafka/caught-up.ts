import type { Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { TopicPartition } from '../../core/record.js'
import type { CaughtUp } from '../caught-up.js'
import type { TaskHost } from './task-host.js'

const LOOK_MS = 20

/**
 * Finds out when this process has answered everything that is in the topics of its tasks now, and what that led to.
 * A record can pass as many tasks as there are parts, each through a topic of the application's own; so the ends are
 * asked for again as often.
 */
export function createKafkaCaughtUp(
  client: KafkaClient,
  isolation: Isolation,
  host: TaskHost,
  /** The group has answered once. */
  assigned: Promise<void>,
  parts: number,
  /** What it writes. */
  written: readonly TopicPartition[],
): Pick<CaughtUp, 'wait' | 'end'> {
  let ended: { readonly error: unknown } | undefined

  const check = (): void => {
    if (ended !== undefined) throw ended.error
  }
  const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS))

  async function reachEnds(): Promise<void> {
    while (host.slots().some((slot) => slot.running === undefined)) {
      check()
      await rest()
    }
    const places = host
      .tasks()
      .flatMap(({ task }) => task.topics.map((topic) => ({ topic, partition: task.partition })))
    const ends = await client.listOffsets(
      places.map((place) => ({ ...place, at: 'latest' as const })),
      { isolation },
    )
    const reached = (): boolean =>
      host.tasks().every((hosted) =>
        ends.every(({ topic, partition, offset }) => {
          if (partition !== hosted.task.partition || !hosted.task.topics.includes(topic)) return true
          // Behind the last record may be nothing but the marks of transactions.
          const settled = !hosted.task.dirty() && hosted.position(topic) >= offset!
          return hosted.durable(topic) >= offset! || settled
        }),
      )
    while (
      !reached() ||
      host.slots().some((slot) => slot.running === undefined || slot.running.committing !== undefined)
    ) {
      check()
      await rest()
    }
  }

  /** A transaction is committed before those who read committed records see it: until all that are open now are closed. */
  async function visible(): Promise<void> {
    const ends = (level: Isolation) =>
      client.listOffsets(
        written.map((place) => ({ ...place, at: 'latest' as const })),
        { isolation: level },
      )
    const high = await ends('read_uncommitted')
    while ((await ends('read_committed')).some(({ offset }, i) => offset! < high[i]!.offset!)) {
      check()
      await rest()
    }
  }

  return {
    async wait() {
      check()
      await assigned
      for (let round = 0; round < parts; round++) await reachEnds()
      if (isolation === 'read_committed') await visible()
    },
    end(error) {
      ended = { error }
    },
  }
}
