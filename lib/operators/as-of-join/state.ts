import {
  afterPrefix,
  type BinaryKey,
  escapeKey,
  MAX_TIME,
  TIME_KEY_BYTES,
  timeKey,
  timeOfKey,
  unescapeKey,
} from '../../core/binary-key.js'
import type { StoreAccess, StoreSpec } from '../../state/store.js'
import type { BufferedRows } from '../../state/write-buffer.js'
import { type Left, leftCodec, type Version, versionCodec } from './entries.js'
import { createHeads, type EntryCodec, type HasOlder, type Heads } from './heads.js'
import type { Settings } from './options.js'
import type { Pace } from './pace.js'
import { createPagedList, type PagedList } from './paged-list.js'
import type { Rules } from './rules.js'

/** How far the join has got: with the rows in one transaction. */
export interface Progress {
  /** Greatest event time of each side; -1 before its first record. */
  leftTime: number
  rightTime: number
  /** Only grows. */
  horizon: number
  /** The next offset of the right partition to be read. */
  rightPosition: number
  /** Where the sweep is; `undefined` between two of them. */
  sweep: Sweep | undefined
  /** The least event time of a left event with a correction to review; `null` when there is none. */
  reviewFrom: number | null
  /** Entries there are, and entries there were when the last sweep ended. */
  entries: number
  kept: number
  /** Entries put since the last sweep began. */
  added: number
}

/**
 * What the join keeps, in one store:
 *
 *     00                           how far it has got
 *     01 | key                     the newest right versions and open left events of a join key: see Heads
 *     02 | key | time              older right versions: see PagedList
 *     03 | key | time              older open left events
 *     05 | key | id                time of an open event that is not in the head, where events have ids
 *     06 | due time | key | time   events whose first answer is delayed
 *     07 | time | key | time       events whose final answer is to be emitted
 *     08 | key                     keys with corrections to review, where corrections are periodic
 */
export interface AsOfState {
  readonly progress: Progress
  readonly heads: Heads
  readonly versions: PagedList<Version>
  readonly lefts: PagedList<Left>
  readonly ids: IdIndex
  readonly delayed: DueIndex
  readonly finals: DueIndex
  readonly reviews: KeySet
  /** Called for each entry that is put: pays for some purging. */
  readonly sweep: () => void
}

interface Sweep {
  readonly stage: number
  readonly from: BinaryKey | undefined
}

export interface IdIndex {
  readonly get: (key: BinaryKey, id: BinaryKey) => number | undefined
  readonly put: (key: BinaryKey, id: BinaryKey, t: number) => void
  readonly delete: (key: BinaryKey, id: BinaryKey) => void
}

export interface DueIndex {
  readonly put: (at: number, key: BinaryKey, t: number) => void
  /** Takes away and returns what is due before `time`, the earliest first. */
  readonly take: (time: number) => readonly { readonly key: BinaryKey; readonly t: number }[]
}

export interface KeySet {
  readonly add: (key: BinaryKey) => void
  readonly takeAll: () => Iterable<BinaryKey>
}

/** Opened with the rules and settings of the join, which decide what may be purged. */
export type OpenAsOfState = (settings: Settings, rules: Rules, pace: Pace) => AsOfState

const PROGRESS = '\x00'
const HEADS = '\x01'
const VERSION_PAGES = '\x02'
const LEFT_PAGES = '\x03'
const IDS = '\x05'
const DELAYED = '\x06'
const FINALS = '\x07'
const REVIEWS = '\x08'
/** How many times more entries are put before a sweep when their number does not grow. */
const RARELY = 4
/** Of decoded rows: heads, and older pages of each side. */
const HEAD_CACHE_BYTES = 24 * 1024 * 1024
const PAGE_CACHE_BYTES = 4 * 1024 * 1024

export function asOfStore(name: string, fingerprint: string): StoreSpec<OpenAsOfState> {
  return Object.freeze({
    name,
    type: 'as-of',
    fingerprint,
    open: (access: StoreAccess) => (settings: Settings, rules: Rules, pace: Pace) =>
      openState(access, settings, rules, pace),
  })
}

function openState(
  { rows, onFlush }: StoreAccess,
  settings: Settings,
  rules: Rules,
  { growth, sweepAfter, rowsPerEntry, sweepRows }: Pace,
): AsOfState {
  const { allowExactMatches, tolerance, tombstoneRetention } = settings
  const progress = readProgress(rows)
  const versionEntries: EntryCodec<Version> = {
    ...versionCodec,
    goneAt(version, next, isOldest) {
      const superseded = rules.supersededAt(next, allowExactMatches)
      const tooOld = version.t + tolerance + 1
      const gone = superseded < tooOld ? superseded : tooOld
      // A deletion hides what is older; it may only be forgotten after that.
      if (version.bytes !== undefined || !isOldest) return gone
      return Math.min(gone, version.t + tombstoneRetention + 1)
    },
  }
  const leftEntries: EntryCodec<Left> = { ...leftCodec, goneAt: (left) => left.t + 1 }
  const heads = createHeads(rows, HEADS, { versions: versionEntries, lefts: leftEntries }, HEAD_CACHE_BYTES)
  const cacheBytes = PAGE_CACHE_BYTES
  const versions = createPagedList({
    rows,
    heads,
    list: 'versions',
    region: VERSION_PAGES,
    codec: versionEntries,
    cacheBytes,
  })
  const lefts = createPagedList({
    rows,
    heads,
    list: 'lefts',
    region: LEFT_PAGES,
    codec: leftEntries,
    cacheBytes,
  })
  // What an event at the horizon sees: with strict matches, not the version at the horizon itself.
  const floorAt = rules.matches(0, 0, allowExactMatches) ? versions.floor : versions.below
  const ids = idIndex(rows)
  onFlush(() => {
    heads.flush(progress.horizon)
    versions.flush()
    lefts.flush()
    progress.entries = entries()
    writeProgress(rows, progress)
  })

  const hasRows = (region: string, key: BinaryKey): boolean => {
    const prefix = region + escapeKey(key)
    return rows.scan({ from: prefix, to: afterPrefix(prefix), limit: 1 }).length > 0
  }
  const hasOlder: HasOlder = {
    versions: (key) => hasRows(VERSION_PAGES, key),
    lefts: (key) => hasRows(LEFT_PAGES, key),
  }
  /** The stages of a sweep: each goes through one region. */
  const stages: readonly ((from: BinaryKey | undefined) => BinaryKey | undefined)[] = [
    (from) => heads.sweep(from, sweepRows, progress.horizon, hasOlder),
    (from) =>
      versions.sweep(from, sweepRows, {
        isGone: (key, last) => (floorAt(heads.get(key), progress.horizon)?.t ?? -Infinity) > last,
        onGone: () => {},
      }),
    (from) =>
      lefts.sweep(from, sweepRows, {
        isGone: (_key, last) => last < progress.horizon,
        onGone: (key, left) => {
          if (left.id !== '') ids.delete(key, left.id)
        },
      }),
  ]
  function step({ stage, from }: Sweep): Sweep | undefined {
    const next = stages[stage]!(from)
    if (next !== undefined) return { stage, from: next }
    return stage + 1 < stages.length ? { stage: stage + 1, from: undefined } : undefined
  }

  const entriesBefore = progress.entries
  const entries = (): number => entriesBefore + versions.grown() + lefts.grown() - heads.trimmed()
  let owed = 0
  return {
    progress,
    heads,
    versions,
    lefts,
    ids,
    delayed: dueIndex(rows, DELAYED),
    finals: dueIndex(rows, FINALS),
    reviews: {
      add: (key) => rows.put(REVIEWS + key, EMPTY),
      takeAll: function* () {
        for (const { key } of rows.rows({ from: REVIEWS, to: afterPrefix(REVIEWS) })) {
          rows.delete(key)
          yield key.slice(1)
        }
      },
    },
    sweep() {
      if (progress.sweep === undefined) {
        progress.added++
        const enough = growth * progress.kept + sweepAfter
        // Where each entry put is one trimmed the number stays the same, and yet other keys have something to purge.
        if (entries() < enough && progress.added < RARELY * enough) return
        progress.added = 0
        progress.sweep = { stage: 0, from: undefined }
      }
      owed += rowsPerEntry
      if (owed < sweepRows) return
      owed = 0
      progress.sweep = step(progress.sweep)
      if (progress.sweep === undefined) progress.kept = entries()
    },
  }
}

const EMPTY = Buffer.alloc(0)

function idIndex(rows: BufferedRows): IdIndex {
  const row = (key: BinaryKey, id: BinaryKey): BinaryKey => IDS + escapeKey(key) + id
  return {
    get(key, id) {
      const bytes = rows.get(row(key, id))
      return bytes?.readDoubleBE(0)
    },
    put(key, id, t) {
      const bytes = Buffer.allocUnsafe(8)
      bytes.writeDoubleBE(t, 0)
      rows.put(row(key, id), bytes)
    },
    delete: (key, id) => rows.delete(row(key, id)),
  }
}

function dueIndex(rows: BufferedRows, region: string): DueIndex {
  return {
    put: (at, key, t) => rows.put(region + timeKey(at) + escapeKey(key) + timeKey(t), EMPTY),
    take(time) {
      if (time <= -MAX_TIME) return []
      const found = [...rows.rows({ from: region, to: region + timeKey(time) })]
      for (const { key } of found) rows.delete(key)
      return found.map(({ key }) => {
        const rest = key.slice(1 + TIME_KEY_BYTES)
        const joinKey = unescapeKey(rest)
        return { key: joinKey.key, t: timeOfKey(rest, joinKey.end) }
      })
    },
  }
}

const FRESH: Progress = {
  leftTime: -1,
  rightTime: -1,
  horizon: -MAX_TIME,
  rightPosition: 0,
  reviewFrom: null,
  sweep: undefined,
  entries: 0,
  kept: 0,
  added: 0,
}

function readProgress(rows: BufferedRows): Progress {
  const bytes = rows.get(PROGRESS)
  return bytes === undefined
    ? { ...FRESH }
    : { ...FRESH, ...(JSON.parse(bytes.toString()) as Partial<Progress>) }
}

function writeProgress(rows: BufferedRows, progress: Progress): void {
  rows.put(PROGRESS, Buffer.from(JSON.stringify(progress)))
}
