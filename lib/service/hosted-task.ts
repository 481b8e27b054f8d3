import type { Task } from '../engine/task.js'
import type { Journal } from './journal.js'

/** A task and the log that feeds it. */
export interface HostedTask {
  readonly task: Task
  /** The name of its state, see `Manifest`. */
  readonly state: string
  /** Reads and processes until there is nothing to do, or until `deadline` (of `performance.now`). */
  readonly run: (wallTime: number, deadline: number) => Progress
  /** Records that are in the log and were not processed yet. */
  readonly lag: () => number
  /** The next offset to be processed, past what compaction has emptied. */
  readonly position: (topic: string) => number
  /** What is before it is answered, and on the disk. */
  readonly durable: (topic: string) => number
  /**
   * Where whoever comes after a crash now begins, as the state on the disk says: not past what follows the last record,
   * the marks of transactions say.
   */
  readonly begins: (topic: string) => number
  /** Remembers the positions; they become the durable ones when the returned function is called. */
  readonly mark: () => () => void
}

/** Where a task's records come from. */
export type RecordSource = Pick<Journal, 'read' | 'endOffset'>

/** Nothing was there to do; something was, and no more is; or more is waiting. */
export type Progress = 'nothing' | 'done' | 'more'

interface Feed {
  readonly topic: string
  /** Where to read on. */
  next: number
  /** One more than the offset of the last record handed over; less than `next` when compaction has emptied what follows. */
  seen: number
  /** The end that the task was told. */
  told: number
  durable: number
  begins: number
}

/** Records between two looks at the clock and at the memory in use. */
const CHUNK = 500

/**
 * @param fetchBytes how much of an input is read at once; an input holds at most twice that, or one larger record
 * @param maxPendingBytes the task pauses when so much waits for its commit
 */
export function hostTask(
  task: Task,
  state: string,
  journal: RecordSource,
  fetchBytes: number,
  maxPendingBytes: number,
): HostedTask {
  const { partition } = task
  const feeds = task.topics.map((topic): Feed => {
    const position = task.position(topic)!
    return { topic, next: position, seen: position, told: -1, durable: position, begins: position }
  })

  /** Keeps every input filled, and tells the task where each log ends: it may have to wait for what is there. */
  function fill(): void {
    for (const feed of feeds) {
      const { topic } = feed
      if (task.buffered(topic) >= CHUNK) continue
      const end = journal.endOffset(topic, partition)
      if (feed.next < end) {
        const request = { topic, partition, offset: feed.next, maxBytes: fetchBytes }
        const { records, nextOffset } = journal.read(request)
        const last = records[records.length - 1]
        if (last !== undefined) feed.seen = last.offset + 1
        feed.next = nextOffset
        feed.told = nextOffset < end ? end : feed.seen
        task.add(topic, records, feed.told)
      } else if (feed.told !== feed.seen) {
        feed.told = feed.seen
        task.add(topic, [], feed.seen)
      }
    }
  }

  const positionOf = ({ topic, next }: Feed): number =>
    task.buffered(topic) === 0 ? next : task.position(topic)!
  const feedOf = (topic: string): Feed => feeds.find((feed) => feed.topic === topic)!

  return {
    task,
    state,
    run(wallTime, deadline) {
      let progress: Progress = task.punctuate(wallTime) ? 'done' : 'nothing'
      do {
        if (task.pendingBytes() >= maxPendingBytes) return 'more'
        fill()
        if (task.process(wallTime, CHUNK) === 0) return progress
        progress = 'done'
      } while (performance.now() < deadline)
      return 'more'
    },
    lag: () =>
      feeds.reduce(
        (sum, { topic, next }) =>
          sum + task.buffered(topic) + Math.max(0, journal.endOffset(topic, partition) - next),
        0,
      ),
    position: (topic) => positionOf(feedOf(topic)),
    durable: (topic) => feedOf(topic).durable,
    begins: (topic) => feedOf(topic).begins,
    mark() {
      const reached = feeds.map((feed) => ({
        durable: positionOf(feed),
        begins: task.position(feed.topic)!,
      }))
      return () => {
        for (const [i, feed] of feeds.entries()) Object.assign(feed, reached[i]!)
      }
    },
  }
}
