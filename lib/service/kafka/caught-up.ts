import type { Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { TopicPartition } from '../../core/record.js'
import type { CaughtUp } from '../caught-up.js'
import type { EngineRoom } from './engine-room.js'

const LOOK_MS = 20

export interface CaughtUpOptions {
  readonly room: Pick<EngineRoom, 'reachEnds'>
  /** The group has answered once. */
  readonly assigned: Promise<void>
  readonly parts: number
  readonly client: KafkaClient
  readonly exactlyOnce: boolean
  /** What it writes, for others and for itself. */
  readonly written: readonly TopicPartition[]
}

/**
 * Finds out when this process has answered everything that is in the topics of its tasks now, and what that led to.
 * A record can pass as many tasks as there are parts, each through a topic of the application's own; so the ends are
 * asked for again as often.
 */
export function createKafkaCaughtUp(options: CaughtUpOptions): Pick<CaughtUp, 'wait' | 'end'> {
  const { room, assigned, parts, client, exactlyOnce, written } = options
  let over = false
  let end = (_: unknown): void => {}
  const ended = new Promise<never>((_, reject) => {
    end = (error) => {
      over = true
      reject(error)
    }
  })
  ended.catch(() => {})

  async function rounds(): Promise<void> {
    await assigned
    for (let round = 0; round < parts; round++) {
      if (!(await room.reachEnds())) return ended
      // Also what the next part reads: until its transaction is closed everywhere, the log seems to end before it.
      if (exactlyOnce) await visible()
    }
  }

  /** A transaction is committed before those who read committed records see it: until all that are open now are closed. */
  async function visible(): Promise<void> {
    const ends = (isolation: Isolation) =>
      client.listOffsets(
        written.map((place) => ({ ...place, at: 'latest' as const })),
        { isolation },
      )
    const high = await ends('read_uncommitted')
    while (!over && (await ends('read_committed')).some(({ offset }, i) => offset! < high[i]!.offset!)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }
  return { wait: () => Promise.race([ended, rounds()]), end: (error) => end(error) }
}
