import { RevlogError } from '../core/errors.js'
import type { Journal } from './journal.js'
import type { OffsetReset, Settings } from './options.js'
import { truncated } from './truncated.js'

/**
 * Where an input is read on: at its position, or where `startFrom` says when it has none yet, or where `offsetReset` says
 * when what follows has been deleted.
 *
 * @throws RevlogError `E_INPUT_TRUNCATED` when what follows the position has been deleted,
 *   `E_POSITION_BEYOND_END` when the log is shorter than what was read of it
 */
export function startPosition(
  journal: Journal,
  topic: string,
  partition: number,
  position: number | undefined,
  startFrom: Settings['startFrom'],
  offsetReset: OffsetReset,
): number {
  const start = journal.startOffset(topic, partition)
  const end = journal.endOffset(topic, partition)
  if (position === undefined) {
    if (startFrom === 'earliest') return start
    return startFrom === 'latest' ? end : firstAt(journal, topic, partition, startFrom)
  }
  if (position < start) {
    if (offsetReset === 'none') throw truncated(topic, partition, position, start)
    return offsetReset === 'earliest' ? start : end
  }
  if (position > end) {
    throw new RevlogError(
      'E_POSITION_BEYOND_END',
      `the log ends at ${end}, but ${position} records of it were read`,
      {
        at: { topic, partition, offset: position },
        remedy:
          'the topic is not the one that was read: give the topology another name and let it start anew',
      },
    )
  }
  return position
}

/** The first record that is not older, by the records' own timestamps, as Kafka's `offsetsForTimes`; else the end. */
function firstAt(journal: Journal, topic: string, partition: number, time: number): number {
  const end = journal.endOffset(topic, partition)
  for (let offset = journal.startOffset(topic, partition); offset < end; ) {
    const { records, nextOffset } = journal.read({ topic, partition, offset })
    const found = records.find((record) => record.timestamp >= time)
    if (found !== undefined) return found.offset
    offset = nextOffset
  }
  return end
}
