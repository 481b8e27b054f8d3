import type { Broker } from '../brokers/port.js'
import type { Context } from './command.js'
import { lastRevisions } from './last-revisions.js'
import { readTopic } from './read-topic.js'
import { recordLine } from './record-line.js'
import type { CliTopic } from './topics.js'

/** Prints the table of last revisions: one line for each key, sorted by key. */
export async function printTable(broker: Broker, topic: CliTopic, { screen, stop }: Context): Promise<void> {
  const table = lastRevisions()
  const ends = await broker.endOffsets(topic.name)
  const positions = ends.map(() => 0)
  for await (const { partition, record } of readTopic(broker, topic.name, positions, ends, stop)) {
    table.add(partition, record)
  }
  if (stop.aborted) return // half a table would look like a whole one
  for (const { partition, record } of table.rows()) await screen.result(recordLine(topic, partition, record))
}
