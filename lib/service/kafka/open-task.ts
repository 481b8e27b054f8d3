import { join } from 'node:path'
import type { TaskId } from '../../brokers/kafka/group/member.js'
import type { FetchPosition, Isolation, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import { RevlogError } from '../../core/errors.js'
import { createTask } from '../../engine/task.js'
import { createMemoryBackend } from '../../state/memory/index.js'
import { type HostedTask, hostTask } from '../hosted-task.js'
import type { OffsetReset, Settings } from '../options.js'
import { isUndisturbed } from '../protocol/at-least-once.js'
import type { Step } from '../protocol/ports.js'
import { type TakeOverOptions, takeOver, takeOverTransactional } from '../protocol/take-over.js'
import { skipped, truncated } from '../truncated.js'
import { openChangelog } from './changelog-log.js'
import type { RoomMember } from './engine-room.js'
import { keptNothing } from './known-parts.js'
import type { Layout } from './lay-out.js'
import { boundsOf } from './log-bounds.js'
import type { NamedPart } from './parts.js'
import type { Prefetch } from './prefetch.js'
import { createTaskProducer, type SharedProducer } from './producers.js'
import type { OpenTask } from './task-host.js'
import type { Slot } from './task-slot.js'
import { openTaskState, type TaskState } from './task-state.js'

export interface TaskOpener {
  readonly application: string
  readonly cluster: string | undefined
  readonly directory: string
  readonly settings: Settings
  readonly exactlyOnce: boolean
  readonly client: KafkaClient
  readonly prefetch: Prefetch
  readonly producer: SharedProducer
  readonly member: () => RoomMember
  readonly partOf: (slot: Slot) => NamedPart
  readonly layout: Pick<Layout, 'partitionsOf' | 'maxMessageBytesOf'>
  readonly maxPendingBytes: number
  readonly fetchBytes: number
  readonly signal: AbortSignal
  readonly step: Step
  readonly onTurn?: (task?: TaskId) => void
}

/** A transaction is aborted by the broker when its owner was away for so long; a new owner need not wait for it. */
const TRANSACTION_TIMEOUT_MS = 60_000
/** A state that runs is at the end of its changelog, and says so now and then: a crash must not make it look old. */
const TOUCH_MS = 600_000

/** Takes a task over, from its changelog and the state on this disk, and begins to read its inputs. */
export async function openTask(opener: TaskOpener, slot: Slot): Promise<OpenTask> {
  const { client, settings, exactlyOnce, prefetch, signal, application } = opener
  const { planned, name } = slot
  const { part, partition } = planned
  const { changelog: changelogTopic, outboxTopics, about } = opener.partOf(slot)
  // At least once too: what a producer of ours has taken back before the guarantee was changed must not count.
  const isolation: Isolation = 'read_committed'
  const topics = planned.inputs.map(({ topic }) => topic.name)
  const group = (): { readonly group: string; readonly memberId?: string; readonly generation?: number } => {
    const generation = opener.member().generation()
    const memberId = opener.member().memberId()
    return generation === undefined || memberId === ''
      ? { group: application }
      : { group: application, memberId, generation }
  }

  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer()
    closers.length = 0
  }
  try {
    const producer = exactlyOnce
      ? await createTaskProducer(
          client,
          `${application}-${slot.id}`,
          TRANSACTION_TIMEOUT_MS,
          group,
          opener.layout,
          signal,
        )
      : undefined
    const state: TaskState | undefined =
      changelogTopic === undefined
        ? undefined
        : openTaskState(
            join(opener.directory, slot.id),
            { cluster: opener.cluster, application, task: slot.id },
            Date.now(),
          )
    if (state !== undefined) closers.push(state.close)
    if (state?.discarded !== undefined) {
      settings.onEvent({ kind: 'discarded', task: slot.id, reason: state.discarded })
    }
    const changelog =
      changelogTopic === undefined
        ? undefined
        : openChangelog(client, changelogTopic, partition, isolation, signal)
    const started = Date.now()
    let restored: number | undefined
    let hadChangelog = true
    const options: TakeOverOptions = {
      name,
      partition,
      about,
      backend: state?.backend ?? createMemoryBackend(),
      stores: part.stores.map((store) => store.name),
      changelog,
      outboxTopics,
      partitionsOf: opener.layout.partitionsOf,
      makeTask: (rows) =>
        createTask({
          part,
          partition,
          partitions: planned.partitions,
          inputs: planned.inputs,
          state: rows,
          errors: settings.errors,
          maxTaskIdleMs: settings.maxTaskIdleMs,
          generation: settings.generation,
          sourceHeaders: settings.sourceHeaders,
          wallTime: Date.now(),
        }),
      async committed() {
        const places = topics.map((topic) => ({ topic, partition }))
        const found = await client.committedOffsets(application, places, { signal, timeoutMs: Infinity })
        hadChangelog = !keptNothing(found)
        return new Map(found.flatMap(({ topic, offset }) => (offset === undefined ? [] : [[topic, offset]])))
      },
      hadChangelog: () => hadChangelog,
      async startOffset(topic) {
        const internal = part.inputs.some((input) => input.internal && input.topic.name === topic)
        const at = internal ? 'earliest' : settings.startFrom
        const [found] = await client.listOffsets([{ topic, partition, at }], { isolation, signal })
        if (found!.offset !== undefined) return found!.offset
        const [end] = await client.listOffsets([{ topic, partition, at: 'latest' }], { isolation, signal })
        return end!.offset!
      },
      wallTime: Date.now,
      step: opener.step,
      onProgress({ records, offset, end }) {
        restored = records
        settings.onEvent({ kind: 'restoring', task: slot.id, records, offset, total: end })
      },
    }
    const tell = async (positions: Parameters<RoomMember['commit']>[0]): Promise<void> => {
      const generation = opener.member().generation()
      if (generation === slot.generation && !slot.dropped) {
        await opener
          .member()
          .commit(positions, generation)
          .catch(() => {})
      }
    }
    const { task, ledger } =
      producer === undefined
        ? await takeOver(options, await opener.producer.current(), tell)
        : await takeOverTransactional(options, producer)
    changelog?.close()
    if (restored !== undefined) {
      settings.onEvent({ kind: 'restored', task: slot.id, records: restored, ms: Date.now() - started })
    }
    closers.push(task.close)
    if (state !== undefined) {
      // Its age is that of what it has: a state that lags behind its changelog grows old.
      const settle = (): void => {
        if (ledger.settle()) state.touch()
      }
      settle()
      const touching = setInterval(settle, TOUCH_MS).unref()
      closers.push(() => {
        clearInterval(touching)
        settle()
      })
    }
    for (const topic of topics) {
      const found = task.position(topic)!
      const internal = part.inputs.some((input) => input.internal && input.topic.name === topic)
      const reset = internal ? 'none' : settings.offsetReset
      const { position, end } = await readable(
        client,
        { topic, partition, offset: found },
        reset,
        isolation,
        signal,
      )
      if (position !== found) {
        task.seek(topic, position)
        settings.onEvent(skipped(topic, partition, found, position))
      }
      prefetch.add(topic, partition, position, end)
      closers.push(() => prefetch.remove(topic, partition))
    }
    const hosted = hostTask(task, slot.id, prefetch, opener.fetchBytes, opener.maxPendingBytes)
    const undisturbed = async (): Promise<boolean> =>
      changelogTopic === undefined ||
      exactlyOnce ||
      isUndisturbed(ledger, () => boundsOf(client, changelogTopic, partition, isolation, signal))
    return {
      running: {
        hosted: watched(hosted, slot.id, opener.onTurn),
        ledger,
        producer,
        undisturbed,
        committing: undefined,
      },
      close,
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** A thread that dies cannot say at which task; so it says before. */
const watched = (hosted: HostedTask, id: TaskId, onTurn: TaskOpener['onTurn']): HostedTask =>
  onTurn === undefined
    ? hosted
    : {
        ...hosted,
        run(wallTime, deadline) {
          onTurn(id)
          const progress = hosted.run(wallTime, deadline)
          onTurn()
          return progress
        },
      }

/**
 * Where an input is read on, and its end: at its position, or where `reset` says when what follows has been deleted.
 *
 * @throws RevlogError `E_INPUT_TRUNCATED`, `E_POSITION_BEYOND_END`
 */
async function readable(
  client: KafkaClient,
  at: FetchPosition,
  reset: OffsetReset,
  isolation: Isolation,
  signal: AbortSignal,
): Promise<{ readonly position: number; readonly end: number }> {
  const { topic, partition, offset: position } = at
  const { start, end } = await boundsOf(client, topic, partition, isolation, signal)
  if (position < start) {
    if (reset === 'none') throw truncated(topic, partition, position, start)
    // An open transaction may begin, and committed records end, before what is left.
    return { position: reset === 'earliest' ? start : Math.max(start, end), end }
  }
  if (position > end) {
    throw new RevlogError(
      'E_POSITION_BEYOND_END',
      `the log ends at ${end}, but ${position} of its offsets were read`,
      {
        at,
        remedy:
          'the topic is not the one that was read, or has lost its end: bring it back, or reset the application',
      },
    )
  }
  return { position, end }
}
