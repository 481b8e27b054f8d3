import type { TopicAdmin } from '../../brokers/kafka/topic-admin.js'
import { messageOf, RevlogError } from '../../core/errors.js'
import type { Slot } from './task-slot.js'

/** Repartition topics keep records for ever; what is behind their readers is deleted so often. */
const PURGE_MS = 30_000
/** Far below the changelogs' `min.compaction.lag.ms`, which is an hour. */
const AUDIT_MS = 600_000
/** As often as Kafka's own clients look (`metadata.max.age.ms` is 5 minutes there). */
const LOOK_MS = 60_000

export interface UpkeepOptions {
  readonly slots: () => readonly Slot[]
  /** Repartition topics. */
  readonly internal: ReadonlySet<string>
  readonly admin: Pick<TopicAdmin, 'deleteBelow' | 'describe'>
  /** Partitions of each source topic, as the tasks were planned. */
  readonly partitions: ReadonlyMap<string, number>
  /** Partitions of each topic that is written for others, as they were at the start. */
  readonly outputs: ReadonlyMap<string, number>
  readonly onFailure: (error: RevlogError) => void
  readonly onWarning: (error: RevlogError) => void
}

/** What has to be done now and then, whether records come or not. */
export function startUpkeep(options: UpkeepOptions): { readonly stop: () => void } {
  const purging = setInterval(() => void purge(options, purged), PURGE_MS)
  const auditing = setInterval(() => void audit(options), AUDIT_MS)
  const purged = new Map<string, number>()
  const told = new Map<string, number>()
  const looking = setInterval(() => {
    void checkPartitions(options)
    void checkOutputs(options, told)
  }, LOOK_MS)
  const timers = [purging, auditing, looking]
  for (const timer of timers) timer.unref()
  return {
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

/** Deletes what was read of repartition topics: their records are as old as their events, so no retention fits. */
export async function purge(
  { slots, internal, admin, onWarning }: UpkeepOptions,
  purged: Map<string, number>,
): Promise<void> {
  const places = new Map<string, { readonly partition: number; readonly offset: number }[]>()
  for (const { running } of slots()) {
    if (running === undefined) continue
    const { task, begins } = running.hosted
    for (const topic of task.topics.filter((name) => internal.has(name))) {
      const offset = begins(topic)
      const key = `${topic}-${task.partition}`
      if (offset <= (purged.get(key) ?? 0)) continue
      purged.set(key, offset)
      places.set(topic, [...(places.get(topic) ?? []), { partition: task.partition, offset }])
    }
  }
  for (const [topic, partitions] of places) {
    try {
      await admin.deleteBelow(topic, partitions)
    } catch (thrown) {
      onWarning(
        thrown instanceof RevlogError
          ? thrown
          : new RevlogError('E_PURGE', `processed records of ${topic} stay: ${messageOf(thrown)}`, {
              cause: thrown,
            }),
      )
    }
  }
}

/** A task whose changelog somebody else has written to is taken over anew, before the log is compacted. */
export async function audit({ slots }: Pick<UpkeepOptions, 'slots'>): Promise<void> {
  for (const slot of slots()) {
    const { running } = slot
    if (running === undefined || running.committing !== undefined) continue
    const undisturbed = await running.undisturbed().catch(() => true)
    if (!undisturbed && slot.running === running) {
      slot.restart(new Error('somebody else has written to its changelog'))
    }
  }
}

/** With more partitions than it was planned for, a topic puts keys where no state of theirs is. */
export async function checkPartitions({
  admin,
  partitions,
  onFailure,
}: Pick<UpkeepOptions, 'admin' | 'partitions' | 'onFailure'>): Promise<void> {
  const found = await admin.describe([...partitions.keys()]).catch(() => [])
  for (const { name, partitions: now } of found) {
    const before = partitions.get(name)!
    if (now === before) continue
    onFailure(
      new RevlogError(
        'E_PARTITION_COUNT_CHANGED',
        `topic ${name} had ${before} partitions and has ${now} now`,
        {
          at: { topic: name },
          remedy:
            'keys have moved to other partitions, away from their state: copy the records into a topic of the old number, or reset the application',
        },
      ),
    )
  }
}

/** Keys go where they went before until the next start; after it some are in another partition than their past. */
export async function checkOutputs(
  { admin, outputs, onWarning }: Pick<UpkeepOptions, 'admin' | 'outputs' | 'onWarning'>,
  told: Map<string, number>,
): Promise<void> {
  const found = await admin.describe([...outputs.keys()]).catch(() => [])
  for (const { name, partitions: now } of found) {
    const before = outputs.get(name)!
    if (now === (told.get(name) ?? before)) continue
    told.set(name, now)
    onWarning(
      new RevlogError(
        'E_OUTPUT_PARTITIONS',
        `topic ${name}, which is written, had ${before} partitions at the start and has ${now} now: from the next start on keys go to other partitions, and compaction does not remove what older records say of them`,
        {
          at: { topic: name },
          remedy:
            'let readers keep the greatest revision over all partitions, or write to a new topic of that number from the beginning',
        },
      ),
    )
  }
}
