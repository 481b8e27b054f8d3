import type { Ledger } from './ledger.js'
import type { Step, TransactionalProducer } from './ports.js'

/**
 * Processing exactly once: outputs, changelog and positions of a task become visible in one transaction of Kafka,
 * and then go to the state, in one transaction of its own. Each task has a transactional id, so a new owner ends
 * what the last one had under way before it reads where that one was.
 *
 * @throws what the producer throws. Whether the transaction was committed is then to be read from the log: throw the
 *   task away, with the producer.
 */
export async function commitExactlyOnce(
  ledger: Ledger,
  producer: TransactionalProducer,
  wallTime: number,
  step: Step = () => {},
): Promise<void> {
  step('sealed')
  const records = [...ledger.outputs(), ...ledger.changelog(wallTime)]
  const appended = records.length > 0 ? await producer.send(records) : []
  step('transaction-sent')
  await producer.commit(ledger.positions())
  step('transaction-committed')
  ledger.acknowledge(appended)
  ledger.apply()
  step('state-committed')
}
