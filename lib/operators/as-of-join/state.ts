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
import type { Settings } from './options.js'
import { createPagedLists, type PagedLists } from './paged-lists.js'
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
  sweepAt: BinaryKey | undefined
  sweepRights: boolean
  /** The least event time of a left event with a correction to review; `null` when there is none. */
  reviewFrom: number | null
  /** Entries that the running sweep and the last one kept, and those put since the last one ended. */
  sweepKept: number
  kept: number
  added: number
}

/**
 * What the join keeps, in one store:
 *
 *     00                           how far it has got
 *     01, 02                       right versions of each join key: see PagedLists
 *     03, 04                       open left events of each join key
 *     05 | key | id                time of an open event that is not in the newest page, where events have ids
 *     06 | due time | key | time   events whose first answer is delayed
 *     07 | time | key | time       events whose final answer is to be emitted
 *     08 | key                     keys with corrections to review, where corrections are periodic
 */
export interface AsOfState {
  readonly progress: Progress
  readonly versions: PagedLists<Version>
  readonly lefts: PagedLists<Left>
  readonly ids: IdIndex
  readonly delayed: DueIndex
  readonly finals: DueIndex
  readonly reviews: KeySet
  /** Pays for some purging. */
  readonly sweep: (entriesAdded: number) => void
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
export type OpenAsOfState = (settings: Settings, rules: Rules) => AsOfState

const PROGRESS = '\x00'
const [VERSION_HEADS, VERSION_PAGES, LEFT_HEADS, LEFT_PAGES, IDS, DELAYED, FINALS, REVIEWS] = [
  '\x01',
  '\x02',
  '\x03',
  '\x04',
  '\x05',
  '\x06',
  '\x07',
  '\x08',
] as const
const CACHE_BYTES = 32 * 1024 * 1024

export function asOfStore(name: string, fingerprint: string): StoreSpec<OpenAsOfState> {
  return Object.freeze({
    name,
    type: 'as-of',
    fingerprint,
    open: (access: StoreAccess) => (settings: Settings, rules: Rules) => openState(access, settings, rules),
  })
}

function openState({ rows, onFlush }: StoreAccess, settings: Settings, rules: Rules): AsOfState {
  const { allowExactMatches, tolerance, tombstoneRetention } = settings
  const progress = readProgress(rows)
  const versions = createPagedLists<Version>({
    rows,
    headRegion: VERSION_HEADS,
    pageRegion: VERSION_PAGES,
    codec: versionCodec,
    cacheBytes: CACHE_BYTES,
    goneAt: (version, next, isOldest) =>
      Math.min(
        rules.supersededAt(next, allowExactMatches),
        version.t + tolerance + 1,
        // A deletion hides what is older; it may only be forgotten after that.
        version.bytes === undefined && isOldest ? version.t + tombstoneRetention + 1 : Infinity,
      ),
  })
  const lefts = createPagedLists<Left>({
    rows,
    headRegion: LEFT_HEADS,
    pageRegion: LEFT_PAGES,
    codec: leftCodec,
    cacheBytes: CACHE_BYTES,
    goneAt: (left) => left.t + 1,
  })
  const ids = idIndex(rows)
  onFlush(() => {
    versions.flush()
    lefts.flush()
    writeProgress(rows, progress)
  })

  /** A row or two for each entry, in small steps, so that no record pays for many. */
  function step(): void {
    const limit = SWEEP_ROWS
    const { horizon } = progress
    const swept = progress.sweepRights
      ? versions.sweep(progress.sweepAt, limit, horizon, {
          pageIsGone: (key, last) => (versions.floor(key, horizon)?.t ?? -Infinity) > last,
          onGone: () => {},
        })
      : lefts.sweep(progress.sweepAt, limit, horizon, {
          pageIsGone: (_key, last) => last < horizon,
          onGone: (key, left) => {
            if (left.id !== '') ids.delete(key, left.id)
          },
        })
    progress.sweepKept += swept.kept
    progress.sweepAt = swept.next
    if (swept.next !== undefined) return
    if (!progress.sweepRights) {
      progress.sweepRights = true
      progress.sweepAt = VERSION_HEADS
      return
    }
    progress.sweepRights = false
    progress.kept = progress.sweepKept
    progress.added = 0
  }

  let owed = 0
  return {
    progress,
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
    sweep(entriesAdded) {
      progress.added += entriesAdded
      const running = progress.sweepAt !== undefined
      if (!running) {
        if (progress.added < Math.max(SWEEP_AFTER, GROWTH * progress.kept)) return
        progress.sweepKept = 0
        progress.sweepRights = false
        progress.sweepAt = LEFT_HEADS
      }
      owed += entriesAdded * ROWS_PER_ENTRY
      if (owed < SWEEP_ROWS) return
      owed = 0
      step()
    },
  }
}

/**
 * Purging is paced like a copying collector: a sweep begins when as many entries were put as the last one kept
 * (times GROWTH), and goes on with some rows for each further entry. So the state stays within a constant factor of
 * what is live, whatever the arrival, and each entry pays the same small price.
 */
const SWEEP_AFTER = 1_000
const GROWTH = 1
const ROWS_PER_ENTRY = 4
const SWEEP_ROWS = 64
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
  sweepAt: undefined,
  sweepRights: false,
  sweepKept: 0,
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
