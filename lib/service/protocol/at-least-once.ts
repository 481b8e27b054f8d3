import { RevlogError } from '../../core/errors.js'
import { encodeEpoch, epochHeaders } from '../../state/changelog.js'
import type { Ledger } from './ledger.js'
import type { ChangelogLog, GroupPosition, Producer, Step } from './ports.js'
import type { Tail } from './tail.js'

/**
 * Processing at least once, with state that has taken each input exactly once, whatever crashes when.
 *
 * Outputs go first. Then rows and a marker with the positions go to the changelog, whose offsets must follow those
 * that the task has; then both go to the state, in one transaction; then the group may know. So a marker says that
 * the outputs of everything before its positions are in the log, and the state that a marker ends is that of exactly
 * those inputs. What lies behind the last marker did not happen: whoever takes over does it again, from the positions
 * of the marker, and answers with the same revisions.
 */

/**
 * Writes that the changelog has a new owner. Whoever wrote it until now finds out by the gap. Returns the tail with
 * the claim at its end.
 *
 * @throws RevlogError `E_TASK_CONTENDED` when somebody wrote after the tail was read: read it again, and claim again
 */
export async function claim(
  log: ChangelogLog,
  tail: Tail,
  epoch: number,
  producer: Producer,
  wallTime: number,
  step: Step = () => {},
): Promise<Tail> {
  const { key, value } = encodeEpoch(epoch)
  const { topic, partition } = log
  const [appended] = await producer.send([
    { topic, partition, key, value, timestamp: wallTime, headers: epochHeaders(epoch) },
  ])
  step('claimed')
  if (appended!.baseOffset !== tail.end) {
    throw new RevlogError(
      'E_TASK_CONTENDED',
      `somebody else writes this changelog: the claim was expected at ${tail.end} and went to ${appended!.baseOffset}`,
      { at: { topic, partition, offset: appended!.baseOffset }, remedy: 'it is tried again' },
    )
  }
  return { ...tail, end: tail.end + 1 }
}

/**
 * Makes what the ledgers have sealed certain. Returns those whose task belongs to somebody else now; the others are
 * committed.
 *
 * @param tell tells the group the positions. It may be late, or fail: they only matter to those who watch, and to
 *   tasks that keep nothing.
 * @throws what the producer throws. Nobody knows then what was written: throw the tasks away, with the producer.
 */
export async function commitAtLeastOnce(
  ledgers: readonly Ledger[],
  producer: Producer,
  tell: (positions: readonly GroupPosition[]) => Promise<void>,
  wallTime: number,
  step: Step = () => {},
): Promise<ReadonlySet<Ledger>> {
  const lost = new Set<Ledger>()
  step('sealed')
  const outputs = all(ledgers, (ledger) => ledger.outputs())
  if (outputs.length > 0) await producer.send(outputs)
  step('outputs-sent')

  const changelog = all(ledgers, (ledger) => ledger.changelog(wallTime))
  const appended = changelog.length > 0 ? await producer.send(changelog) : []
  step('changelog-sent')
  for (const ledger of ledgers) {
    try {
      ledger.acknowledge(appended)
    } catch (thrown) {
      if (!(thrown instanceof RevlogError && thrown.code === 'E_TASK_MIGRATED')) throw thrown
      lost.add(ledger)
    }
  }
  const kept = ledgers.filter((ledger) => !lost.has(ledger))
  for (const ledger of kept) ledger.apply()
  step('state-committed')

  await sendOutbox(kept, producer)
  step('outbox-sent')
  await tell(kept.flatMap((ledger) => ledger.positions()))
  step('positions-committed')
  return lost
}

/** Of one ledger, as most processes have it, without a copy. */
function all<T>(ledgers: readonly Ledger[], of: (ledger: Ledger) => readonly T[]): readonly T[] {
  const [only] = ledgers
  return ledgers.length === 1 ? of(only!) : ledgers.flatMap(of)
}

/** Sends what has become certain; for a new owner, what may not have been sent by the last one. */
export async function sendOutbox(ledgers: readonly Ledger[], producer: Producer): Promise<void> {
  const records = ledgers.flatMap((ledger) => ledger.outbox())
  if (records.length === 0) return
  await producer.send(records)
  for (const ledger of ledgers) ledger.outboxSent()
}

/**
 * Whether nobody has written behind the back of a task that has nothing to commit. What a replaced owner sent in its
 * last moment may arrive then; were it compacted before the owner's next commit, it would be the log's only word of
 * its keys. So who is at rest looks now and then, more often than the log is compacted, and takes over anew.
 */
export async function isUndisturbed(ledger: Ledger, bounds: ChangelogLog['bounds']): Promise<boolean> {
  const expected = ledger.end()
  const { end } = await bounds()
  // It has committed meanwhile: then it has looked itself.
  return end === expected || ledger.end() !== expected
}
