import type { Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { TaskHost } from './task-host.js'

const LOOK_MS = 20

/** Resolves when the tasks of a host have answered everything that is in their topics now; false when it ends before. */
export async function reachEnds(
  client: KafkaClient,
  isolation: Isolation,
  host: TaskHost,
  over: () => boolean,
): Promise<boolean> {
  const until = async (ready: () => boolean): Promise<void> => {
    while (!over() && !ready()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  await until(() => host.slots().every((slot) => slot.running !== undefined))
  if (over()) return false
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
  await until(
    () =>
      reached() &&
      host.slots().every(({ running }) => running !== undefined && running.committing === undefined),
  )
  return !over()
}
