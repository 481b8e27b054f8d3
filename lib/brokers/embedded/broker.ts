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
  /**
   * To be called inside a transaction, whoever makes it: writes what waits to be produced, so that one wait for the
   * device is for both. What it returns is to be called once that transaction is committed; if it never is, the calls
   * wait on.
   */
  takeAlong(): () => void
  /** Wakes those who wait for data that a commit has brought; to be called after each. */
  wake(): void
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

/**
 * The port on top of the synchronous log. Calls of `produce` that come while others are on their way are committed
 * together (one wait for the device for all of them); each is checked when it comes, so that a bad one fails alone.
 */
export function createEmbeddedBroker(log: EmbeddedLog, { transaction, flushed }: Commits): EmbeddedBroker {
  const queue: Produce[] = []
  const waiters = new Set<Waiter>()
  let draining: Promise<void> | undefined
  let closed = false

  const checkOpen = (): void => {
    if (closed) throw new RevlogError('E_BROKER_CLOSED', 'the broker is closed')
  }

  /** The first of the queue, as many as one commit takes. */
  const next = (): readonly Produce[] => {
    let n = 0
    for (let records = 0; n < queue.length && records < MAX_RECORDS_PER_COMMIT; n++)
      records += queue[n]!.count
    return queue.slice(0, n)
  }

  const takeAlong = (): (() => void) => {
    if (queue.length === 0) return () => {}
    const produces = next()
    const appended = produces.map(({ groups }) => log.appendPrepared(groups))
    return () => {
      queue.splice(0, produces.length)
      flushed().then(
        () => {
          for (let i = 0; i < produces.length; i++) produces[i]!.resolve(appended[i]!)
        },
        (thrown: unknown) => {
          for (const { reject } of produces) reject(thrown)
        },
      )
    }
  }

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      // A turn of the event loop: calls that have arrived meanwhile join this commit, or all of them somebody else's.
      await new Promise((resolve) => setImmediate(resolve))
      const produces = next()
      if (produces.length === 0) break
      try {
        transaction(() => {}) // which takes them along
      } catch (thrown) {
        queue.splice(0, produces.length)
        for (const { reject } of produces) reject(thrown)
      }
      await flushed().catch(() => {})
    }
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
    takeAlong,
    wake() {
      for (const waiter of waiters) if (hasData(waiter.positions)) waiter.done(true)
    },
    async close() {
      closed = true
      await draining
      for (const waiter of waiters) waiter.done(false)
    },
  }
}

const withoutId = ({ name, partitions, config }: EmbeddedTopic) => ({ name, partitions, config })
