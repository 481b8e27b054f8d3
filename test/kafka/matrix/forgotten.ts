import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A run in which the broker broke its word, so that it says nothing about us. Kafka 4.4.0 forgets transactions
 * (KAFKA-20734): one that is committed, and whose marks are not written everywhere yet when the broker is killed, is
 * taken up again when it is back; when its partitions are for a moment without a leader then, which they all are on a
 * single broker, it takes them for deleted, writes no marks, and calls the transaction complete. It stays open in those
 * partitions for ever. Kafka 3.9 does not do this.
 */
export class SpoiltRun extends Error {}

const FORGETS = "Couldn't find leader endpoint for partitions"

/** How many transactions of a run the broker has forgotten, by its own words; asked before topics are deleted. */
export async function forgottenTransactions(brokerFolder: string, prefix: string): Promise<number> {
  const log = await readFile(join(brokerFolder, 'broker.log'), 'utf8')
  return log.split('\n').filter((line) => line.includes(FORGETS) && line.includes(` for ${prefix}`)).length
}
