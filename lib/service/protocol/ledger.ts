import { randomUUID } from 'node:crypto'
import type { Appended } from '../../brokers/port.js'
import type { BinaryKey } from '../../core/binary-key.js'
import { bytesOfKey } from '../../core/binary-key.js'
import { RevlogError } from '../../core/errors.js'
import type { ProducerRecord } from '../../core/record.js'
import type { Effects } from '../../engine/effects.js'
import {
  assignStoreIds,
  type ChangelogRecord,
  decodeKey,
  encodeCommit,
  encodeIdentity,
  epochHeaders,
} from '../../state/changelog.js'
import type { StateBackend } from '../../state/port.js'
import { checkpointWrite } from './checkpoint.js'
import { cleanWrites, readDirty } from './dirty-keys.js'
import { createOutbox, hasOutbox, OUTBOX_STORE } from './outbox.js'
import type { GroupPosition } from './ports.js'
import { sealable } from './sealed-state.js'
import type { Tail } from './tail.js'

/**
 * What a task has done and not made certain yet, step by step, whichever protocol takes the steps: `seal` its
 * effects; send `outputs` and `changelog`; `acknowledge` where the changelog records went; `apply` all of it to the
 * state; and send what is in the `outbox`. Between any two of them the process may end.
 */
export interface Ledger {
  /** For the task: it sees what was sealed at once. */
  readonly state: StateBackend
  readonly seal: (effects: Effects) => void
  /** Those without a partition go where the hash of their key says. */
  readonly outputs: () => readonly ProducerRecord[]
  /** Rows and the marker, with what a new owner has to say first. Empty for a task without state. */
  readonly changelog: (wallTime: number) => readonly ProducerRecord[]
  /**
   * @throws RevlogError `E_TASK_MIGRATED` when somebody else's records are among them: nobody but the owner of a
   *   task writes its changelog, so the task has another owner now
   */
  readonly acknowledge: (appended: readonly Appended[]) => void
  readonly apply: () => void
  /** What is certain is also on the disk: before the state is closed, and now and then. False when it cannot be now. */
  readonly settle: () => boolean
  /** Numbered records for repartition topics that have become certain. */
  readonly outbox: () => readonly ProducerRecord[]
  readonly outboxSent: () => void
  /** Where the changelog ends, as far as this owner knows; `undefined` for a task without state. */
  readonly end: () => number | undefined
  /** Where the group may be told that this task is. */
  readonly positions: () => readonly GroupPosition[]
}

export interface LedgerOptions {
  readonly backend: StateBackend
  /** See `TailOptions`: of finished commits, which may wait for each other. */
  readonly transactionRows?: number | undefined
  /** Of one task in all its lives: names its state, and its messages to other tasks. */
  readonly name: string
  readonly partition: number
  /** Goes with its positions to the group. */
  readonly about?: string | undefined
  /** `undefined` for a task that keeps nothing. */
  readonly changelog:
    | {
        readonly topic: string
        /** Where the state and the log stand. */
        readonly tail: Tail
        readonly stores: readonly string[]
        /** The epoch that this owner claims, or has claimed. */
        readonly epoch: number
        /** The first commit also says so: within a transaction nothing has to be claimed before. */
        readonly opening: readonly ChangelogRecord[]
        /** Whether the records that are acknowledged must follow each other without a gap. */
        readonly fenced: boolean
      }
    | undefined
  /** Topics whose records go through the outbox; none under transactions. */
  readonly outboxTopics: ReadonlySet<string>
  readonly partitionsOf: (topic: string) => number
  readonly partitionOf: (key: Buffer | undefined, partitions: number) => number
}

/** Stores that are in a changelog beside the topology's own. */
export const changelogStores = (stores: readonly string[], outbox: boolean): readonly string[] =>
  outbox ? [...stores, OUTBOX_STORE] : stores

export function createLedger(options: LedgerOptions): Ledger {
  const { backend, name, partition, changelog, outboxTopics, about } = options
  const metadata = about === undefined ? {} : { metadata: about }
  const state = sealable(backend, options.transactionRows)
  // Also without topics of its own: what was left by an owner that had some must be sent.
  const outbox =
    outboxTopics.size === 0 && !hasOutbox(state) ? undefined : createOutbox(state, `${name}/${partition}`)
  const known = new Map(Object.entries(changelog?.tail.checkpoint.stores ?? {}))
  const ids = assignStoreIds(known, changelog?.stores ?? [])
  const headers = epochHeaders(changelog?.epoch ?? 0)
  let checkpoint = changelog?.tail.checkpoint
  /** Where the next record of the changelog goes, unless somebody else writes it. */
  let end = changelog?.tail.end
  let opening = changelog === undefined ? [] : [...changelog.opening]
  /** What this owner has to say again; remembered ones are forgotten with it. */
  let remembered: readonly BinaryKey[] = changelog === undefined ? [] : readDirty(backend)
  let dirty: ReadonlySet<BinaryKey> = new Set([...remembered, ...(changelog?.tail.doubtful ?? [])])
  /** The identity that the sealed commit writes, and where among its records. */
  let identifying: { readonly id: string; readonly index: number } | undefined
  let outputs: readonly ProducerRecord[] = []
  let records: readonly ChangelogRecord[] = []
  let effects: Effects | undefined
  let next: number | undefined

  if (changelog !== undefined && (checkpoint?.identity === undefined || ids.size !== known.size)) {
    identifying = { id: checkpoint?.identity?.id ?? randomUUID(), index: opening.length }
    opening.push(encodeIdentity(ids, identifying.id))
  }

  /** What is kept in the outbox knows its partition: the receiver counts by it. */
  const placed = (record: ProducerRecord): ProducerRecord =>
    record.partition !== undefined
      ? record
      : { ...record, partition: options.partitionOf(record.key, options.partitionsOf(record.topic)) }

  /** What the log must say again, as the state before this commit has it; the commit follows and may say more. */
  function reasserted(): ChangelogRecord[] {
    const names = new Map([...ids].map(([store, id]) => [id, store]))
    return [...dirty].map((whole) => {
      const { id, key } = decodeKey(whole)
      const store = names.get(id)
      return { key: bytesOfKey(whole), value: store === undefined ? undefined : state.rows(store).get(key) }
    })
  }

  return {
    state,
    seal(now) {
      effects = now
      const internal = (record: ProducerRecord): boolean => outboxTopics.has(record.topic)
      outputs = outbox === undefined ? now.outputs : now.outputs.filter((record) => !internal(record))
      const kept = outbox?.put(now.outputs.filter(internal).map(placed)) ?? []
      const writes = kept.length === 0 ? now.writes : [...now.writes, ...kept]
      if (changelog !== undefined) {
        records = encodeCommit(ids, writes, now.metadata)
        const before = [...opening, ...reasserted()]
        if (before.length > 0) records = [...before, ...records]
      }
      state.seal(writes)
    },
    outputs: () => outputs,
    // Their time is the time of writing and not of what they hold: retention and compaction go by it.
    changelog: (timestamp) =>
      records.map(({ key, value }) => ({
        topic: changelog!.topic,
        partition,
        key,
        value,
        timestamp,
        headers,
      })),
    acknowledge(appended) {
      if (changelog === undefined) return
      const own = appended.filter((a) => a.topic === changelog.topic && a.partition === partition)
      let at = end!
      for (const { baseOffset, count } of own) {
        if (changelog.fenced && baseOffset !== at) throw migrated(options, at, baseOffset)
        at = baseOffset + count
      }
      next = at
      if (identifying !== undefined) {
        checkpoint = {
          ...checkpoint!,
          identity: { id: identifying.id, offset: offsetOf(own, identifying.index) },
        }
      }
    },
    apply() {
      const { metadata } = effects!
      if (changelog === undefined) {
        state.apply([], metadata)
      } else {
        checkpoint = {
          ...checkpoint!,
          offset: next!,
          epoch: changelog.epoch,
          stores: Object.fromEntries(ids),
          state: 'whole',
        }
        state.apply([...cleanWrites(remembered), checkpointWrite(checkpoint)], metadata)
      }
      opening = []
      identifying = undefined
      remembered = []
      dirty = new Set()
      end = next ?? end
      outputs = []
      records = []
    },
    settle: state.settle,
    outbox: () => outbox?.waiting() ?? [],
    outboxSent: () => outbox?.sent(),
    end: () => end,
    positions: () =>
      effects === undefined
        ? []
        : [...effects.positions].map(([topic, offset]) => ({ topic, partition, offset, ...metadata })),
  }
}

/** Where the record of that index went. */
function offsetOf(appended: readonly Appended[], index: number): number {
  let before = 0
  for (const { baseOffset, count } of appended) {
    if (index < before + count) return baseOffset + index - before
    before += count
  }
  throw new RangeError('the broker acknowledged fewer records than it was sent')
}

export const migrated = (
  { name, partition, changelog }: LedgerOptions,
  expected: number,
  found: number,
): RevlogError =>
  new RevlogError(
    'E_TASK_MIGRATED',
    `another process writes the changelog of ${name}: a record was expected at ${expected} and went to ${found}`,
    {
      at: { topic: changelog!.topic, partition, offset: found },
      remedy:
        'nothing is lost: whoever owns the task now goes on; two applications must not have the same name',
    },
  )
