import { RevlogError } from '../../core/errors.js'
import type { Appended, Broker, WaitPosition } from '../port.js'
import type { PartitionRecords } from './append.js'
import type { EmbeddedLog } from './log.js'
import type { EmbeddedTopic } from './topics.js'

/** What the broker needs of the directory that it works in. */
export interface Commits {
  /** Commits what `run` writes, or throws and writes nothing. */
  transaction<T>(run: () => T): T
  flushed(): Promise<void>
}

export interface EmbeddedBroker extends Broker {
  /** Each transaction, whoever makes it, begins with this: see `takeIn`. */
  begin(): void
  /**
   * Inside a transaction: writes what waits to be produced, for who reads it in this transaction and answers it. When
   * that comes to nothing the answers stay with their maker, who tries again; so these records are not refused, and
   * come first in the next transaction, at the same offsets.
   */
  takeIn(): void
  /** Each transaction ends with this: it writes what waits to be produced, so that one wait for the device is for both. */
  takeAlong(): void
  /** The transaction is over. Wakes those who wait for data that it has brought. */
  settle(committed: boolean): void
  /** Whether something waits to be produced. */
  waiting(): boolean
  /** Somebody who takes in what waits: see `Arrivals`. */
  takenBy(told: () => boolean): () => void
}

interface Produce {
  readonly groups: readonly PartitionRecords[]
  readonly count: number
  readonly resolve: (appended: readonly Appended[]) => void
  readonly reject: (reason: unknown) => void
}

interface Waiter {
  readonly positions: readonly WaitPosition[]
  readonly done: (found: boolean) => void
}

/** One commit takes no more, so that the process keeps answering. */
const MAX_RECORDS_PER_COMMIT = 20_000
/** Longer than a commit and its flush. */
const TAKER_MS = 20

/**
 * The port on top of the synchronous log. Calls of `produce` that come while others are on their way are committed
 * together (one wait for the device for all of them); each is checked when it comes, so that a bad one fails alone.
 */
export function createEmbeddedBroker(log: EmbeddedLog, { transaction, flushed }: Commits): EmbeddedBroker {
  const queue: Produce[] = []
  const waiters = new Set<Waiter>()
  const takers = new Set<() => boolean>()
  /** What this transaction has written of the queue. */
  let taken: (readonly Appended[])[] = []
  /** So many of the queue were taken in once, see {@link EmbeddedBroker.takeIn}. */
  let pinned = 0
  let onSettled = (): void => {}
  let draining: Promise<void> | undefined
  let closed = false

  const checkOpen = (): void => {
    if (closed) throw new RevlogError('E_BROKER_CLOSED', 'the broker is closed')
  }

  /** How many of the queue one commit takes. */
  const share = (): number => {
    let n = 0
    for (let records = 0; n < queue.length && records < MAX_RECORDS_PER_COMMIT; n++)
      records += queue[n]!.count
    return Math.max(n, pinned)
  }

  const take = (upTo: number): void => {
    for (const { groups } of queue.slice(taken.length, upTo)) taken.push(log.appendPrepared(groups))
  }

  const settle = (committed: boolean): void => {
    const appended = taken
    taken = []
    if (!committed) return
    const produces = queue.splice(0, appended.length)
    pinned = Math.max(0, pinned - produces.length)
    onSettled()
    for (const waiter of waiters) if (hasData(waiter.positions)) waiter.done(true)
    if (produces.length === 0) return
    flushed().then(
      () => {
        for (let i = 0; i < produces.length; i++) produces[i]!.resolve(appended[i]!)
      },
      (thrown: unknown) => {
        for (const { reject } of produces) reject(thrown)
      },
    )
  }

  /** Whether somebody says that he will take in what waits. */
  const tellTakers = (): boolean => {
    let willTake = false
    for (const told of takers) willTake = told() || willTake
    return willTake
  }

  /** Whether there is a transaction before the time is over. */
  const settledSoon = (): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, TAKER_MS, false)
      onSettled = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })

  const drain = async (): Promise<void> => {
    do {
      // A turn of the event loop: calls that have arrived meanwhile join this commit, or all of them somebody else's.
      await new Promise((resolve) => setImmediate(resolve))
      if (queue.length === 0) break
      if (!closed && tellTakers() && (await settledSoon())) continue
      try {
        transaction(() => {}) // which takes them along
      } catch (thrown) {
        for (const { reject } of queue.splice(pinned, share() - pinned)) reject(thrown)
      }
      await flushed().catch(() => {})
    } while (queue.length > pinned)
    draining = undefined
  }

  const hasData = (positions: readonly WaitPosition[]): boolean =>
    positions.some(({ topic, partition, offset }) => log.endOffset(topic, partition) > offset)

  return {
    async createTopic(topic) {
      checkOpen()
      const made = transaction(() => log.topics.create(topic))
      await flushed()
      return withoutId(made)
    },
    async describeTopic(name) {
      checkOpen()
      const topic = log.topics.find(name)
      return topic === undefined ? undefined : withoutId(topic)
    },
    async listTopics() {
      checkOpen()
      return log.topics.list().map(withoutId)
    },
    async produce(records) {
      checkOpen()
      if (records.length === 0) return []
      const groups = log.prepare(records)
      return new Promise((resolve, reject) => {
        queue.push({ groups, count: records.length, resolve, reject })
        tellTakers()
        draining ??= drain()
      })
    },
    async fetch(request) {
      checkOpen()
      return log.read(request)
    },
    async endOffsets(name) {
      checkOpen()
      const { partitions } = log.topics.get(name)
      return Array.from({ length: partitions }, (_, partition) => log.endOffset(name, partition))
    },
    async waitForData(positions, timeoutMs) {
      checkOpen()
      if (hasData(positions)) return true
      return new Promise((resolve) => {
        const done = (found: boolean): void => {
          clearTimeout(timer)
          waiters.delete(waiter)
          resolve(found)
        }
        const waiter = { positions, done }
        const timer = setTimeout(done, timeoutMs, false)
        waiters.add(waiter)
      })
    },
    begin: () => take(pinned),
    takeIn() {
      take(share())
      pinned = taken.length
    },
    takeAlong: () => take(share()),
    settle,
    waiting: () => queue.length > 0,
    takenBy(told) {
      takers.add(told)
      return () => {
        takers.delete(told)
      }
    },
    async close() {
      closed = true
      // Who had taken them in is gone.
      pinned = 0
      if (queue.length > 0) draining ??= drain()
      await draining
      for (const waiter of waiters) waiter.done(false)
    },
  }
}

const withoutId = ({ name, partitions, config }: EmbeddedTopic) => ({ name, partitions, config })
