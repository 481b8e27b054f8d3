import type { FetchedPartition, Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { BatchReader } from '../../brokers/kafka/wire/decode-batches.js'
import type { Fetched, FetchRequest } from '../../brokers/port.js'
import { RevlogError } from '../../core/errors.js'

/**
 * Reads the inputs of all tasks ahead of them, as far as memory allows: an input with enough that waits is not asked
 * for, and goes on when the task has caught up. So what is held is bounded, whatever the lag and however the inputs
 * differ. What waits are batches; records are made of them as the task takes them.
 */
export interface Prefetch {
  /** Begins to read a partition, whose log ends at `end` as far as is known. */
  readonly add: (topic: string, partition: number, offset: number, end: number) => void
  readonly remove: (topic: string, partition: number) => void
  /** Where the log ended when it was last heard of. */
  readonly endOffset: (topic: string, partition: number) => number
  /** What is there; nothing as long as nothing has come. */
  readonly read: (request: FetchRequest) => Fetched
  readonly close: () => Promise<void>
}

export interface PrefetchOptions {
  readonly client: KafkaClient
  readonly isolation: Isolation
  /** Bytes of records that wait in all partitions together. */
  readonly bytes: () => number
  /** Something has come. */
  readonly onData: () => void
  /** A partition cannot be read any more. */
  readonly onError: (error: RevlogError) => void
}

interface Feed {
  readonly topic: string
  readonly partition: number
  /** Where to fetch on. */
  next: number
  end: number
  /** In their order; the first may have been read in part. */
  answers: Answer[]
  bytes: number
  /** It cannot be read any more, which was said. */
  broken: boolean
}

interface Answer {
  readonly batches: BatchReader
  readonly bytes: number
}

/** How long a broker may wait for data; also after how long a partition that was added takes part. */
const MAX_WAIT_MS = 50
/** Least and most of one partition's share. */
const MIN_SHARE = 64 << 10
const MAX_SHARE = 4 << 20
/** Records are made of batches until so many bytes are reached. */
const READ_BYTES = 32 << 10

export function createPrefetch({ client, isolation, bytes, onData, onError }: PrefetchOptions): Prefetch {
  const fetcher = client.fetcher({ isolation, lazy: true })
  const feeds = new Map<string, Feed>()
  const over = new AbortController()
  let bell: (() => void) | undefined

  const nameOf = (topic: string, partition: number): string => `${topic}-${partition}`
  const feedOf = (topic: string, partition: number): Feed => {
    const feed = feeds.get(nameOf(topic, partition))
    if (feed === undefined) throw new RangeError(`${topic}, partition ${partition}, is not being read`)
    return feed
  }
  const ring = (): void => bell?.()

  function take(answer: FetchedPartition): boolean {
    const feed = feeds.get(nameOf(answer.topic, answer.partition))
    // It was removed, or removed and added again, while the request was under way.
    if (feed === undefined || feed.next !== answer.offset) return false
    if (answer.error !== undefined) {
      feed.broken = true
      onError(answer.error)
      return false
    }
    const end = isolation === 'read_committed' ? answer.lastStableOffset : answer.highWatermark
    const news = end !== feed.end || answer.nextOffset !== feed.next
    feed.end = end
    if (answer.batches === undefined || answer.nextOffset === feed.next) return news
    feed.next = answer.nextOffset
    feed.bytes += answer.bytes
    feed.answers.push({ batches: answer.batches, bytes: answer.bytes })
    return true
  }

  async function run(): Promise<void> {
    while (!over.signal.aborted) {
      const share = Math.min(MAX_SHARE, Math.max(MIN_SHARE, bytes() / Math.max(1, feeds.size)))
      const hungry = [...feeds.values()].filter((feed) => feed.bytes < share && !feed.broken)
      if (hungry.length === 0) {
        await new Promise<void>((resolve) => {
          bell = resolve
        })
        bell = undefined
        continue
      }
      const positions = hungry.map(({ topic, partition, next }) => ({ topic, partition, offset: next }))
      const answers = await fetcher.poll(positions, {
        maxWaitMs: MAX_WAIT_MS,
        signal: over.signal,
        timeoutMs: Infinity,
      })
      if (answers.map(take).includes(true)) onData()
    }
  }

  const running = run().catch((thrown: unknown) => {
    if (over.signal.aborted) return
    onError(
      thrown instanceof RevlogError
        ? thrown
        : new RevlogError('E_FETCH', 'reading from the brokers failed', { cause: thrown }),
    )
  })

  return {
    add(topic, partition, offset, end) {
      feeds.set(nameOf(topic, partition), {
        topic,
        partition,
        next: offset,
        end,
        answers: [],
        bytes: 0,
        broken: false,
      })
      ring()
    },
    remove(topic, partition) {
      feeds.delete(nameOf(topic, partition))
    },
    endOffset: (topic, partition) => feedOf(topic, partition).end,
    read({ topic, partition, offset }) {
      const feed = feedOf(topic, partition)
      const ends = { endOffset: feed.end, logStartOffset: 0 }
      const [first] = feed.answers
      const found = first?.batches.next(READ_BYTES)
      if (found !== undefined) {
        // At once, and not with the next read: a task that has everything up to the end known so far does not read.
        if (found.nextOffset === first!.batches.endOffset) {
          feed.answers.shift()
          feed.bytes -= first!.bytes
          ring()
        }
        return { ...found, ...ends }
      }
      return { records: [], nextOffset: offset, ...ends }
    },
    async close() {
      over.abort()
      ring()
      fetcher.close()
      await running
    },
  }
}
