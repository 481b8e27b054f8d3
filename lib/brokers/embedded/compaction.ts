import { type BinaryKey, keyOfBytes } from '../../core/binary-key.js'
import { type LogRecord, lastHeader } from '../../core/record.js'
import { REVISION_HEADERS } from '../../core/revision.js'
import type { Row } from '../../state/port.js'
import { recordBytes } from '../record-size.js'
import { TARGET_BATCH_BYTES } from './batch.js'
import { type BatchInfo, batchInfo, decodeBatch } from './batch-reader.js'
import type { CleanerStores } from './cleaner.js'
import { batchKey } from './keys.js'
import type { PartitionFigures } from './partitions.js'

/**
 * Compaction of a partition: of each key only the record stays that a reader of the whole log would end up with.
 *
 * Which one is that? The last; except that of records that carry a `revlog-revision` the greatest revision wins,
 * the later one when they are equal, so that a revision that was written late does not hide a newer answer. A
 * record without a revision replaces whatever was before it.
 *
 * A pass has two phases. `map` reads what was written since the last pass (from `dirtyStart` to `dirtyEnd`) and
 * notes the winner of each key in it. `rewrite` goes through the partition from its start to `dirtyEnd` and drops
 * what has lost; below `dirtyStart` each key occurs once, so one look at the map decides. Rows that lost nothing
 * and are large stay untouched, small neighbours are merged. Both advance by a bounded number of rows a step.
 *
 * No row is merged across `dirtyStart`: after a crash the next pass must find all that is above it there.
 *
 * Why no value can be lost: a record is only dropped after its winner, which is in the log and stays. Steps go
 * upwards and each is one transaction, so a crash between two leaves losers behind and never a gap.
 *
 * A tombstone that won stays for `deleteRetentionMs` of wall time, counted from the pass that saw it first (its
 * batch remembers until when) and not from its event time, which says nothing about who has read it. Once it is
 * gone it outranks nothing: a smaller revision written after that would be taken for an answer.
 */
export interface CompactionPass {
  phase: 'map' | 'rewrite'
  readonly dirtyStart: number
  dirtyEnd: number
  /** The next offset to be read. */
  at: number
  readonly winners: Map<BinaryKey, Winner>
  mappedBytes: number
  /** Of a row, on average in the last step. */
  rowBytes: number
  /** When the earliest tombstone that stays may go; 0: there is none. */
  tombstonesDue: number
}

interface Winner {
  offset: number
  /** As bytes in a string, which compare as revisions do and keep no batch alive. */
  revision: BinaryKey | undefined
  /** A record without revision was among them: nothing from before can win. */
  readonly resets: boolean
}

/** What a step reads, about: some milliseconds. */
const STEP_BYTES = 512 << 10
/** How many keys a pass remembers; when there are more, it ends early and the next pass does the rest. */
const MAX_KEYS = 500_000

export function startPass({ start, end, cleanedTo }: PartitionFigures): CompactionPass {
  const dirtyStart = Math.max(start, cleanedTo)
  return {
    phase: 'map',
    dirtyStart,
    dirtyEnd: end,
    at: dirtyStart,
    winners: new Map(),
    mappedBytes: 0,
    rowBytes: TARGET_BATCH_BYTES,
    tombstonesDue: 0,
  }
}

/** The next rows of a pass, and whether these are all: fewer when they are large, since a step must be short. */
function nextRows(
  { batches }: CleanerStores,
  key: BinaryKey,
  pass: CompactionPass,
  maxBatches: number,
): { readonly rows: readonly Row[]; readonly last: boolean } {
  const limit = Math.max(1, Math.min(maxBatches, Math.floor(STEP_BYTES / pass.rowBytes)))
  const rows = batches.scan({ from: batchKey(key, pass.at), to: batchKey(key, pass.dirtyEnd), limit })
  if (rows.length > 0) pass.rowBytes = rows.reduce((sum, { value }) => sum + value.length, 0) / rows.length
  return { rows, last: rows.length < limit }
}

/** One step of the first phase; says how many rows it read. */
export function mapRows(
  stores: CleanerStores,
  key: BinaryKey,
  pass: CompactionPass,
  maxBatches: number,
): number {
  const { rows, last } = nextRows(stores, key, pass, maxBatches)
  for (const { value } of rows) {
    const { info, records } = decodeRow(value)
    for (const record of records) noteWinner(pass.winners, record)
    pass.at = info.lastOffset + 1
    pass.mappedBytes += value.length
    if (pass.winners.size >= MAX_KEYS) {
      pass.dirtyEnd = pass.at
      break
    }
  }
  if (last || pass.at >= pass.dirtyEnd) {
    pass.phase = 'rewrite'
    pass.at = 0
  }
  return rows.length
}

function noteWinner(winners: Map<BinaryKey, Winner>, record: LogRecord): void {
  if (record.key === undefined) return
  const key = keyOfBytes(record.key)
  const revision = revisionOf(record)
  const before = winners.get(key)
  if (before === undefined) {
    winners.set(key, { offset: record.offset, revision, resets: revision === undefined })
  } else if (!outranks(before.revision, revision)) {
    const resets = before.resets || revision === undefined
    winners.set(key, { offset: record.offset, revision, resets })
  }
}

/** Whether a record with revision `earlier` stays although one with revision `later` comes after it. */
const outranks = (earlier: BinaryKey | undefined, later: BinaryKey | undefined): boolean =>
  earlier !== undefined && later !== undefined && earlier > later

function revisionOf({ headers }: LogRecord): BinaryKey | undefined {
  if (headers.length === 0) return undefined
  const bytes = lastHeader(headers, REVISION_HEADERS.revision)
  return bytes === undefined ? undefined : keyOfBytes(bytes)
}

/** One step of the second phase: reads up to so many rows and commits what becomes of them. */
export function compactRows(
  stores: CleanerStores,
  key: BinaryKey,
  pass: CompactionPass,
  maxBatches: number,
  wallTime: number,
  deleteRetentionMs: number,
): { readonly batches: number; readonly done: boolean } {
  const { environment, partitions } = stores
  const horizon = wallTime + deleteRetentionMs
  let next = pass.at
  let tombstonesDue = pass.tombstonesDue
  const result = environment.transaction(() => {
    const { rows, last } = nextRows(stores, key, pass, maxBatches)
    const rewriter = createRewriter(stores, key)
    for (const row of rows) {
      const { info, records } = decodeRow(row.value)
      if (info.baseOffset >= pass.dirtyStart && next <= pass.dirtyStart) rewriter.flush()
      const expired = info.deleteHorizon > 0 && wallTime >= info.deleteHorizon
      const kept = records.filter((record) => stays(pass, record, expired))
      const tombstones = kept.some(({ value }) => value === undefined)
      const due = tombstones ? (info.deleteHorizon === 0 ? horizon : info.deleteHorizon) : 0
      if (due > 0) tombstonesDue = tombstonesDue === 0 ? due : Math.min(tombstonesDue, due)
      rewriter.add(row, kept, kept.length === records.length && due === info.deleteHorizon, due)
      next = info.lastOffset + 1
    }
    const saved = rewriter.finish()
    const done = last || next >= pass.dirtyEnd
    const figures = partitions.get(key)
    partitions.put(key, {
      ...figures,
      bytes: figures.bytes - saved,
      ...(done
        ? {
            cleanedTo: pass.dirtyEnd,
            dirtyBytes: pass.dirtyEnd >= figures.end ? 0 : Math.max(0, figures.dirtyBytes - pass.mappedBytes),
            tombstonesDue,
          }
        : {}),
    })
    return { batches: rows.length, done }
  })
  pass.at = next
  pass.tombstonesDue = tombstonesDue
  return result
}

/** Decides about one record; meeting an earlier record that outranks the map's winner it corrects the map. */
function stays(pass: CompactionPass, record: LogRecord, expired: boolean): boolean {
  const inHead = record.offset < pass.dirtyStart
  const winner = record.key === undefined ? undefined : pass.winners.get(keyOfBytes(record.key))
  if (winner !== undefined && winner.offset !== record.offset) {
    const revision = inHead && !winner.resets ? revisionOf(record) : undefined
    if (!outranks(revision, winner.revision)) return false
    winner.offset = record.offset
    winner.revision = revision
  }
  // What it outranks is dropped after it, perhaps not before a crash: then it goes in a later pass.
  const mayGo = expired && inHead && winner === undefined
  return !(mayGo && record.value === undefined)
}

/** Collects what stays of neighbouring rows and writes it as few rows. */
function createRewriter({ batches, encoder }: CleanerStores, key: BinaryKey) {
  let records: LogRecord[] = []
  let replaced: Row[] = []
  let untouched = true
  let bytes = 0
  let horizon = 0
  let saved = 0

  const flush = (): void => {
    // One small row with nothing to merge with is left as it is.
    if (replaced.length > 1 || !untouched) {
      for (const row of replaced) {
        batches.delete(row.key)
        saved += row.value.length
      }
      const offsets = records.map(({ offset }) => offset)
      for (let from = 0; from < records.length; ) {
        const batch = encoder.encode(records, from, { offsets, deleteHorizon: horizon })
        batches.put(batchKey(key, offsets[from]!), batch.bytes)
        saved -= batch.bytes.length
        from += batch.count
      }
    }
    records = []
    replaced = []
    untouched = true
    bytes = 0
    horizon = 0
  }

  return {
    add(row: Row, kept: readonly LogRecord[], unchanged: boolean, due: number): void {
      if (unchanged && 2 * row.value.length >= TARGET_BATCH_BYTES) {
        flush()
        return
      }
      replaced.push(row)
      untouched &&= unchanged
      horizon = Math.max(horizon, due)
      for (const record of kept) {
        records.push(record)
        bytes += recordBytes(record)
      }
      if (bytes >= TARGET_BATCH_BYTES) flush()
    },
    flush,
    /** Writes the rest; says by how many bytes the rows have shrunk. */
    finish(): number {
      flush()
      return saved
    },
  }
}

function decodeRow(bytes: Buffer): { readonly info: BatchInfo; readonly records: readonly LogRecord[] } {
  const info = batchInfo(bytes)
  const records: LogRecord[] = []
  decodeBatch(bytes, 0, records, { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY })
  return { info, records }
}
