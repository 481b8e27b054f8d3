import type { Broker, Fetched } from '../brokers/port.js'
import { RevlogError } from '../core/errors.js'
import type { LogRecord } from '../core/record.js'

export interface Read {
  readonly partition: number
  readonly record: LogRecord
}

/**
 * The records of a topic from `positions` up to the offsets `ends`, or to what is there now; partition after
 * partition. `positions` moves along: it says where to go on.
 */
export async function* readTopic(
  broker: Broker,
  topic: string,
  positions: number[],
  ends: readonly number[] | undefined,
  stop: AbortSignal,
): AsyncGenerator<Read> {
  for (let partition = 0; partition < positions.length; partition++) {
    const end = ends?.[partition] ?? Infinity
    while (positions[partition]! < end && !stop.aborted) {
      const fetched = await fetchFrom(broker, topic, partition, positions[partition]!)
      if (fetched.nextOffset === positions[partition]) break
      for (const record of fetched.records) if (record.offset < end) yield { partition, record }
      positions[partition] = Math.min(fetched.nextOffset, end)
    }
  }
}

/** Retention may have forgotten the offset: then what is left is read. */
async function fetchFrom(broker: Broker, topic: string, partition: number, offset: number): Promise<Fetched> {
  try {
    return await broker.fetch({ topic, partition, offset })
  } catch (thrown) {
    if (!(thrown instanceof RevlogError) || thrown.code !== 'E_OFFSET_OUT_OF_RANGE') throw thrown
    const end = (await broker.endOffsets(topic))[partition]!
    const { logStartOffset } = await broker.fetch({ topic, partition, offset: end })
    return broker.fetch({ topic, partition, offset: logStartOffset })
  }
}
