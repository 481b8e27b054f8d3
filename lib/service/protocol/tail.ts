import { type BinaryKey, keyOfBytes } from '../../core/binary-key.js'
import { RevlogError } from '../../core/errors.js'
import type { LogRecord } from '../../core/record.js'
import {
  type ChangelogReader,
  corrupt,
  createChangelogReader,
  decodeIdentity,
  epochOf,
  kindOf,
} from '../../state/changelog.js'
import type { StateBackend, StoreWrites } from '../../state/port.js'
import { type Checkpoint, checkpointWrite, readCheckpoint } from './checkpoint.js'
import { dirtyWrites } from './dirty-keys.js'
import type { ChangelogLog, Step } from './ports.js'

export interface TailOptions {
  readonly step?: Step
  /** Where the state stands, when that is known of this log: then it is not compared with the log again. */
  readonly from?: Checkpoint
  /** Called after each read: how many records were read, and where in the log that was. */
  readonly onProgress?: (progress: RestoreProgress) => void
  /** About how many rows go into one transaction. 50,000: in key order, LMDB is more than twice as fast with many. */
  readonly transactionRows?: number
}

export interface RestoreProgress {
  readonly records: number
  readonly offset: number
  readonly end: number
}

/** A state that has all that is certain, and the end of the log that it was read to. */
export interface Tail {
  readonly checkpoint: Checkpoint
  readonly end: number
  /**
   * Keys of records behind the checkpoint that do not count as long as nobody writes the rest of their commit: once
   * the log is claimed nobody will.
   */
  readonly doubtful: readonly BinaryKey[]
}

const BYTES = 64 << 20

const FRESH: Checkpoint = {
  offset: 0,
  epoch: 0,
  identity: undefined,
  stores: {},
  state: 'whole',
}

/**
 * Brings the state of a task to the end of its changelog, from wherever it stands: from nothing after a lost disk,
 * by a few records after a crash. Whoever is interrupted goes on from the last transaction.
 *
 * Rows count when a marker ends their commit, and nobody of a later epoch wrote before. The rows behind the last marker
 * are the start of a commit that was cut short, or is under way: they stay behind the checkpoint. What was written by
 * one who had been replaced is passed over; its keys are remembered as dirty with the state, because the log now says
 * something of them that the state does not.
 *
 * A compacted log has one marker, at its end. So rows are written ahead of it once there are many; should the log
 * turn out not to end with its marker, it is read again, up to there.
 *
 * @throws RevlogError `E_CHANGELOG_TRUNCATED`, `E_CHANGELOG_REPLACED`, `E_CHANGELOG_CORRUPT`
 */
export async function readTail(
  backend: StateBackend,
  log: ChangelogLog,
  { step = () => {}, onProgress = () => {}, transactionRows = 50_000, ...options }: TailOptions = {},
): Promise<Tail> {
  let from = options.from ?? (await startingPoint(backend, log))
  let bounds: Bounds = { through: Infinity, end: (await log.bounds()).end }
  for (;;) {
    const pass = createPass(backend, from, bounds, transactionRows)
    while (pass.offset() < bounds.end) {
      const { records, nextOffset } = await log.read(pass.offset())
      pass.add(records, nextOffset)
      onProgress({ records: pass.records(), offset: pass.offset(), end: bounds.end })
      step('changelog-read')
    }
    const result = pass.finish()
    if ('checkpoint' in result) return result
    bounds = result
    backend.wipe()
    from = { ...FRESH, offset: (await log.bounds()).start }
  }
}

/** What of the log a pass takes: markers up to one offset, and nothing at all from the other one on. */
interface Bounds {
  /** The offset of the last marker that counts. */
  readonly through: number
  readonly end: number
}

/** Where to read on, after what was read before has been found to be of this log. */
async function startingPoint(backend: StateBackend, log: ChangelogLog): Promise<Checkpoint> {
  const { start, end } = await log.bounds()
  const known = readCheckpoint(backend)
  if (known === undefined || known.offset < start) {
    backend.wipe()
    return { ...FRESH, offset: start }
  }
  const at = { topic: log.topic, partition: log.partition, offset: known.offset }
  if (known.offset > end) {
    throw new RevlogError(
      'E_CHANGELOG_TRUNCATED',
      `the changelog ends at ${end}, but the state has what was before ${known.offset}`,
      { at, remedy: 'bring the topic back as it was, or reset the application so that it starts anew' },
    )
  }
  // Compaction keeps the last identity: somebody has deleted records, and who restores from the rest would lack them.
  if (known.identity !== undefined && known.identity.offset < start) {
    throw new RevlogError(
      'E_CHANGELOG_TRUNCATED',
      `the changelog begins at ${start}, and what says which stores it is of was at ${known.identity.offset}`,
      { at, remedy: 'bring the topic back as it was, or reset the application so that it starts anew' },
    )
  }
  if (known.identity !== undefined && known.identity.offset < end) {
    const [record] = (await log.read(known.identity.offset)).records
    const same =
      record?.offset !== known.identity.offset ||
      (kindOf(record) === 'identity' && decodeIdentity(record.value).id === known.identity.id)
    if (!same) {
      throw new RevlogError(
        'E_CHANGELOG_REPLACED',
        'this changelog is not the one that the state was kept with',
        {
          at,
          remedy:
            'the topic was deleted and made again: bring the old one back, or reset the application so that it starts anew',
        },
      )
    }
  }
  return known
}

interface Pass {
  /** Records, and where to read on. */
  readonly add: (records: readonly LogRecord[], nextOffset: number) => void
  readonly offset: () => number
  readonly records: () => number
  /** What was found; or, when rows were written that do not count, what to read instead. */
  readonly finish: () => Tail | Bounds
}

/** @param most about how many rows go into one transaction */
function createPass(backend: StateBackend, from: Checkpoint, { through, end }: Bounds, most: number): Pass {
  const reader: ChangelogReader = createChangelogReader(new Map(Object.entries(from.stores)))
  let { epoch, identity, offset } = from
  let ahead = from.state === 'ahead'
  let marker: number | undefined
  let records = 0
  let bytes = 0
  /** Keys that wait to be remembered, with the next transaction. */
  let dirty: BinaryKey[] = []
  /** Keys of what is behind the last record that counts. */
  const beyond: BinaryKey[] = []

  const checkpoint = (state: Checkpoint['state'], safe: number): Checkpoint => ({
    offset: safe,
    epoch,
    identity,
    stores: Object.fromEntries(reader.ids()),
    state,
  })

  function commit(writes: readonly StoreWrites[], metadata: Buffer | undefined, at: Checkpoint): void {
    backend.commit([...writes, ...dirtyWrites(dirty), checkpointWrite(at)], metadata)
    dirty = []
    bytes = 0
  }

  function write(): void {
    const completed = reader.take()
    const rows = [...(completed?.writes ?? [])]
    const waiting = reader.unclosed().length
    if (completed === undefined || waiting >= most) {
      ahead = true
      rows.push(...reader.takeRows())
    }
    // What is only in memory is read again by whoever goes on from here.
    let safe = offset
    if (!ahead && waiting > 0) safe = marker! + 1
    if (reader.unnamed() > 0) safe = from.offset
    commit(rows, completed?.metadata, checkpoint(ahead ? 'ahead' : 'restoring', safe))
  }

  function row(record: LogRecord, current: boolean): void {
    if (!current) dirty.push(keyOfBytes(record.key!))
    else if (record.offset > through) beyond.push(keyOfBytes(record.key!))
    else reader.add({ key: record.key!, value: record.value })
    bytes += record.key!.length + (record.value?.length ?? 0)
  }

  return {
    offset: () => offset,
    records: () => records,
    add(added, next) {
      for (const record of added) {
        if (record.offset < offset) continue
        if (record.offset >= end) break
        records++
        const written = epochOf(record.headers)
        if (written > epoch) epoch = written
        const current = written === epoch
        const kind = kindOf(record)
        if (kind === 'row') row(record, current)
        // It would outlive the right one when the log is compacted: the next owner has to write that again.
        else if (kind === 'identity' && !current) identity = undefined
        else if (current && record.offset <= through && kind !== 'epoch') {
          reader.add({ key: record.key!, value: record.value })
          if (kind === 'identity') {
            const { id } = decodeIdentity(record.value)
            if (id !== undefined) identity = { id, offset: record.offset }
          } else {
            marker = record.offset
            ahead = false
          }
        }
      }
      offset = Math.min(next, end)
      if (reader.held() >= most || bytes >= BYTES) write()
    },
    finish() {
      const unclosed = reader.unclosed()
      // Rows were written ahead, and they do not count. The last marker that does is before where this pass began, unless
      // that was in the middle of such rows: then it is known after a pass from the start.
      if (ahead) return { through: marker ?? (from.state === 'ahead' ? Infinity : from.offset - 1), end }
      const completed = reader.take()
      const nameless = completed !== undefined && reader.ids().size === 0
      if (nameless || reader.unnamed() > 0) throw corrupt('it does not name its stores')
      const doubtful = [...unclosed.map(({ key }) => key), ...beyond]
      const certain = doubtful.length === 0 ? offset : (marker ?? from.offset - 1) + 1
      const whole = checkpoint('whole', certain)
      commit(completed?.writes ?? [], completed?.metadata, whole)
      return { checkpoint: whole, end: offset, doubtful }
    },
  }
}
