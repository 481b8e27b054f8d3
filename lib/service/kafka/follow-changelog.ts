import { setTimeout as sleep } from 'node:timers/promises'
import type { StateBackend } from '../../state/port.js'
import type { ChangelogLog, ReadRecords } from '../protocol/ports.js'
import { readTail } from '../protocol/tail.js'

/** What comes within it is read at once: the owner commits several times a second. */
const GATHER_MS = 500

/**
 * Keeps a state at the end of its changelog while another process writes that, until reading fails or the signal ends
 * it. After each round the checkpoint is behind the last commit that is closed, as after a takeover that was cut
 * short: so whoever opens the state to run the task goes on from there, and reads what is missing.
 *
 * @param onLag records of the log that the state does not have yet, as far as is known
 * @param onReached called after each round, with the records that were read in it
 */
export async function followChangelog(
  backend: StateBackend,
  log: ChangelogLog,
  signal: AbortSignal,
  onLag: (records: number) => void,
  onReached: (records: number) => void,
): Promise<never> {
  let arrived: (ReadRecords & { readonly offset: number }) | undefined
  const known: ChangelogLog = {
    ...log,
    read: async (offset) => (arrived?.offset === offset ? arrived : log.read(offset)),
  }
  let from: Parameters<typeof readTail>[2] = {}
  for (;;) {
    let read = 0
    const { checkpoint, end } = await readTail(backend, known, {
      ...from,
      onProgress({ records, offset, end }) {
        read = records
        onLag(end - offset)
      },
    })
    arrived = undefined
    onLag(end - checkpoint.offset)
    onReached(read)
    // A commit is read when it is closed. Rows written ahead of their marker would have to be taken back.
    from = { from: checkpoint, transactionRows: Infinity }
    do arrived = { offset: end, ...(await log.read(end)) }
    while (arrived.nextOffset === end)
    onLag(arrived.nextOffset - checkpoint.offset)
    await sleep(GATHER_MS, undefined, { signal })
  }
}
