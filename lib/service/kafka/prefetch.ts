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
  /** A partition cannot be read on for now: a transaction has been open for long. Said again each minute. */
  readonly onHeldBack: (warning: RevlogError) => void
  /** How long it may be open; 120,000 when absent, twice as long as Kafka's clients give their transactions. */
  readonly heldBackMs?: number
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
  /** The transaction at which committed records end, and when that is to be said next. */
  held: { readonly at: number; readonly since: number; tellAt: number } | undefined
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
const HELD_BACK_MS = 120_000
const HELD_BACK_AGAIN_MS = 60_000

export function createPrefetch(options: PrefetchOptions): Prefetch {
  const { client, isolation, bytes, onData, onError, onHeldBack, heldBackMs = HELD_BACK_MS } = options
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
    if (isolation === 'read_committed') watch(feed, answer)
    const end = isolation === 'read_committed' ? answer.lastStableOffset : answer.highWatermark
    const news = end !== feed.end || answer.nextOffset !== feed.next
    feed.end = end
    if (answer.batches === undefined || answer.nextOffset === feed.next) return news
    feed.next = answer.nextOffset
    feed.bytes += answer.bytes
    feed.answers.push({ batches: answer.batches, bytes: answer.bytes })
    return true
  }

  /** Nobody else notices: to who reads committed records, the log just seems to end there. */
  function watch(feed: Feed, { lastStableOffset: at, highWatermark, nextOffset }: FetchedPartition): void {
    if (at === highWatermark) {
      feed.held = undefined
      return
    }
    const now = performance.now()
    if (feed.held?.at !== at) feed.held = { at, since: now, tellAt: now + heldBackMs }
    if (nextOffset < at || now < feed.held.tellAt) return
    feed.held.tellAt = now + HELD_BACK_AGAIN_MS
    onHeldBack(heldBack(feed, at, now - feed.held.since))
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
        held: undefined,
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

const heldBack = ({ topic, partition }: Feed, offset: number, ms: number): RevlogError =>
  new RevlogError(
    'E_TRANSACTION_OPEN',
    `a transaction in ${topic}, partition ${partition}, has been open for ${Math.round(ms / 1_000)} s or longer: what comes from offset ${offset} on cannot be read before it ends`,
    {
      at: { topic, partition, offset },
      remedy:
        'if whoever began it is gone, end it with kafka-transactions.sh: find-hanging shows it, abort ends it',
    },
  )
