import { RevlogError } from '../../core/errors.js'
import { partitionOf } from '../../core/murmur2.js'
import type { Task } from '../../engine/task.js'
import { encodeEpoch } from '../../state/changelog.js'
import type { StateBackend } from '../../state/port.js'
import { changedStores, otherTopology } from '../manifest.js'
import { claim, commitAtLeastOnce, sendOutbox } from './at-least-once.js'
import { commitExactlyOnce } from './exactly-once.js'
import { changelogStores, createLedger, type Ledger } from './ledger.js'
import { OUTBOX_STORE } from './outbox.js'
import type { ChangelogLog, GroupPosition, Producer, TransactionalProducer } from './ports.js'
import { readTail, type Tail, type TailOptions } from './tail.js'

/** A task that this process owns, where the last owner left it. */
export interface Owned {
  readonly task: Task
  readonly ledger: Ledger
}

export interface TakeOverOptions extends TailOptions {
  /** Of one task in all its lives, see {@link Ledger}. */
  readonly name: string
  readonly partition: number
  /** Goes with its positions to the group. */
  readonly about?: string
  /** Where its state is kept; of a task without a changelog nothing is read from there. */
  readonly backend: StateBackend
  readonly stores: readonly string[]
  /** `undefined` for a task that keeps nothing: then the group's positions are where it is. */
  readonly changelog: ChangelogLog | undefined
  readonly outboxTopics: ReadonlySet<string>
  readonly partitionsOf: (topic: string) => number
  readonly makeTask: (state: StateBackend) => Task
  /** The group's positions of the task's topics, where it has any. */
  readonly committed: () => Promise<ReadonlyMap<string, number>>
  /** Asked after that: whether whoever was there has a changelog. `true` when absent. */
  readonly hadChangelog?: () => boolean
  /** Where a topic is begun that was never read. */
  readonly startOffset: (topic: string) => Promise<number>
  readonly wallTime: () => number
}

/**
 * Takes a task over under at least once: reads what the changelog has and the state does not, claims the changelog,
 * says again what a crash has left in doubt, and sends what may not have been sent.
 *
 * @throws RevlogError `E_TASK_CONTENDED`, `E_TASK_MIGRATED` when another process is at it: try again if the task is
 *   still this process's; `E_CHANGELOG_MISSING`, `E_INCOMPATIBLE_TOPOLOGY`, `E_POSITION_BEHIND_GROUP` and those of `readTail` when a person
 *   must decide
 */
export async function takeOver(
  options: TakeOverOptions,
  producer: Producer,
  tell: (positions: readonly GroupPosition[]) => Promise<void>,
): Promise<Owned> {
  const { changelog: log, backend, step } = options
  const committed = await options.committed()
  let tail = log === undefined ? undefined : await readTail(backend, log, options)
  const epoch = (tail?.checkpoint.epoch ?? 0) + 1
  if (log !== undefined) tail = await claim(log, tail!, epoch, producer, options.wallTime(), step)
  const owned = await open(options, committed, tail, epoch, [])
  await sendOutbox([owned.ledger], producer)
  owned.ledger.seal(owned.task.effects())
  const lost = await commitAtLeastOnce([owned.ledger], producer, tell, options.wallTime(), step)
  if (lost.size > 0) throw contended(options)
  owned.task.committed()
  return owned
}

/**
 * Takes a task over under exactly once. The producer was made for it, which has fenced the last owner and ended its
 * transaction; only now the log says where that one was.
 */
export async function takeOverTransactional(
  options: TakeOverOptions,
  producer: TransactionalProducer,
): Promise<Owned> {
  const { changelog: log, backend, step } = options
  const committed = await options.committed()
  const tail = log === undefined ? undefined : await readTail(backend, log, options)
  const epoch = (tail?.checkpoint.epoch ?? 0) + 1
  const owned = await open(options, committed, tail, epoch, [encodeEpoch(epoch)])
  const leftover = owned.ledger.outbox()
  owned.ledger.outboxSent()
  owned.ledger.seal(owned.task.effects())
  await commitExactlyOnce(owned.ledger, producer, options.wallTime(), step, leftover)
  owned.task.committed()
  return owned
}

/** @param committed what the group said before the log was read: the log can only know more */
async function open(
  options: TakeOverOptions,
  committed: ReadonlyMap<string, number>,
  tail: Tail | undefined,
  epoch: number,
  opening: readonly { readonly key: Buffer; readonly value: Buffer | undefined }[],
): Promise<Owned> {
  const { backend, changelog: log } = options
  const begun = committed.size > 0 && (options.hadChangelog?.() ?? true)
  if (log !== undefined && backend.metadata() === undefined && begun) throw missing(options, log)
  if (tail !== undefined) checkStores(options, tail)
  const ledger = createLedger({
    backend,
    transactionRows: options.transactionRows,
    name: options.name,
    partition: options.partition,
    about: options.about,
    changelog:
      log === undefined
        ? undefined
        : {
            topic: log.topic,
            tail: tail!,
            epoch,
            stores: changelogStores(options.stores, options.outboxTopics.size > 0),
            opening,
            fenced: opening.length === 0,
          },
    outboxTopics: options.outboxTopics,
    partitionsOf: options.partitionsOf,
    partitionOf,
  })
  const task = options.makeTask(ledger.state)
  for (const topic of task.topics) {
    const position = task.position(topic)
    const told = committed.get(topic)
    if (position !== undefined) {
      if (told !== undefined && told > position) throw behind(options, topic, position, told)
      continue
    }
    task.seek(topic, told ?? (await options.startOffset(topic)))
  }
  return { task, ledger }
}

/** Stores that are new would lack what was read before; what is gone would be there again when it comes back. */
function checkStores({ name, stores }: TakeOverOptions, { checkpoint }: Tail): void {
  const before = Object.keys(checkpoint.stores).filter((store) => store !== OUTBOX_STORE)
  if (checkpoint.identity === undefined && before.length === 0) return
  const change = changedStores(before, stores)
  if (change !== undefined)
    throw otherTopology(`the changelog of ${name} was written by another topology: ${change}`)
}

const contended = ({ name, partition }: TakeOverOptions): RevlogError =>
  new RevlogError('E_TASK_CONTENDED', `another process takes over ${name}/${partition} at the same time`, {
    remedy: 'it is tried again',
  })

const missing = ({ name }: TakeOverOptions, { topic, partition }: ChangelogLog): RevlogError =>
  new RevlogError(
    'E_CHANGELOG_MISSING',
    `${name} has been reading its inputs, but its changelog is empty: what it kept is gone`,
    {
      at: { topic, partition },
      remedy: 'bring the topic back, or reset the application so that it starts anew',
    },
  )

const behind = (
  { partition, name }: TakeOverOptions,
  topic: string,
  position: number,
  told: number,
): RevlogError =>
  new RevlogError(
    'E_POSITION_BEHIND_GROUP',
    `the state of ${name} has what was before ${position}, but the group says that everything before ${told} was processed`,
    {
      at: { topic, partition, offset: position },
      remedy:
        'the changelog is older than the group: bring the newer one back, set the group to the position of the state, or reset the application',
    },
  )
