import type { TaskId } from '../../brokers/kafka/group/member.js'
import type { HostedTask } from '../hosted-task.js'
import { commitAtLeastOnce } from '../protocol/at-least-once.js'
import { commitExactlyOnce } from '../protocol/exactly-once.js'
import type { GroupPosition, Step } from '../protocol/ports.js'
import type { RoomMember } from './engine-room.js'
import { isFinal } from './failures.js'
import type { Lives } from './lives.js'
import type { SharedProducer } from './producers.js'
import type { Slot } from './task-slot.js'

/** Runs the tasks that the group has assigned to this process. */
export interface TaskHost {
  /** Those that are taken over, and run. */
  readonly tasks: () => readonly HostedTask[]
  readonly slots: () => readonly Slot[]
  readonly assign: (active: readonly TaskId[], generation: number) => void
  readonly dropAll: () => void
  /** Whether anything was processed that is not certain yet. */
  readonly isBusy: () => boolean
  /** For the loop: what these tasks did becomes certain, or is thrown away. */
  readonly commit: (tasks: readonly HostedTask[]) => Promise<void>
  /** Resolves when nothing is in use any more. */
  readonly close: () => Promise<void>
}

export interface TaskHostOptions {
  readonly exactlyOnce: boolean
  readonly producer: SharedProducer
  readonly member: () => RoomMember
  readonly lives: Lives
  /** Takes a task over; `onRunning` gets what runs, and it ends when the returned promise is settled. */
  readonly open: (slot: Slot) => Promise<OpenTask>
  readonly createSlot: (id: string, generation: number) => Slot | undefined
  /** The tasks that run have changed. */
  readonly onChange: () => void
  /** The service cannot go on. */
  readonly onFailure: (error: unknown) => void
  readonly onRetry: (task: string, error: unknown) => void
  readonly step: Step
}

export interface OpenTask {
  readonly running: NonNullable<Slot['running']>
  readonly close: () => Promise<void>
}

const FIRST_DELAY_MS = 50
const LONGEST_DELAY_MS = 2_000

export function createTaskHost(options: TaskHostOptions): TaskHost {
  const { exactlyOnce, member, step } = options
  const slots = new Map<string, Slot>()
  const byTask = new Map<HostedTask, Slot>()
  let running: readonly HostedTask[] = []
  let closed = false

  function change(): void {
    running = [...byTask.keys()]
    options.onChange()
  }

  function begin(id: string, generation: number): void {
    const slot = options.createSlot(id, generation)
    if (slot === undefined) return
    slots.set(id, slot)
    options.lives.begin(id, () => live(slot))
  }

  /** Takes the task over, and again whenever what it did has come to nothing, until it is dropped. */
  async function live(slot: Slot): Promise<void> {
    for (let delay = FIRST_DELAY_MS; !slot.dropped; delay = Math.min(2 * delay, LONGEST_DELAY_MS)) {
      const over = new Promise<unknown>((resolve) => {
        slot.restart = resolve
      })
      let open: OpenTask | undefined
      let reason: unknown
      try {
        open = await options.open(slot)
        if (!slot.dropped) {
          slot.running = open.running
          byTask.set(open.running.hosted, slot)
          change()
          reason = await over
          delay = FIRST_DELAY_MS
        }
      } catch (thrown) {
        if (isFinal(thrown) && !slot.dropped) {
          slot.dropped = true
          options.onFailure(thrown)
        }
        reason = thrown
      } finally {
        await retire(slot, open)
      }
      if (slot.dropped || closed) return
      options.onRetry(slot.id, reason)
      await new Promise((resolve) => setTimeout(resolve, delay * (0.5 + Math.random())))
      // Two processes that both believe to own a task would otherwise evict each other for ever.
      if (
        !slot.dropped &&
        !(await member()
          .stillMember(slot.generation)
          .catch(() => true))
      ) {
        await new Promise((resolve) => setTimeout(resolve, delay))
      }
    }
  }

  async function retire(slot: Slot, open: OpenTask | undefined): Promise<void> {
    const { running: ended } = slot
    slot.running = undefined
    if (ended !== undefined && byTask.delete(ended.hosted)) change()
    try {
      await ended?.committing
      await open?.close()
    } catch (thrown) {
      options.onFailure(thrown)
    }
  }

  function drop(slot: Slot): void {
    slot.dropped = true
    slots.delete(slot.id)
    const { running: ended } = slot
    // At once, and not when it gets its turn: the loop must not touch it again.
    if (ended !== undefined && byTask.delete(ended.hosted)) change()
    slot.restart(undefined)
  }

  /** The group is told only what is still ours; it may be late, or not happen: the state knows better. */
  const tell =
    (told: readonly Slot[]) =>
    async (positions: readonly GroupPosition[]): Promise<void> => {
      const generation = member().generation()
      if (generation === undefined || positions.length === 0) return
      if (told.some((slot) => slot.dropped || slot.generation !== generation)) return
      try {
        await member().commit(positions, generation)
      } catch (thrown) {
        if (isFinal(thrown)) throw thrown
      }
    }

  /** Returns those whose work has come to nothing. */
  async function atLeastOnce(committing: readonly Slot[]): Promise<readonly Slot[]> {
    const ledgers = new Map(committing.map((slot) => [slot.running!.ledger, slot]))
    const producer = await options.producer.current()
    const lost = await commitAtLeastOnce([...ledgers.keys()], producer, tell(committing), Date.now(), step)
    const migrated = [...lost].map((ledger) => ledgers.get(ledger)!)
    for (const slot of migrated) slot.restart(new Error('another process writes its changelog'))
    return migrated
  }

  async function exactlyOnceEach(slot: Slot): Promise<readonly Slot[]> {
    const { ledger, producer } = slot.running!
    await commitExactlyOnce(ledger, producer!, Date.now(), step)
    return []
  }

  async function settle(
    committing: readonly Slot[],
    commit: () => Promise<readonly Slot[]>,
  ): Promise<readonly Slot[]> {
    try {
      return await commit()
    } catch (thrown) {
      const final = isFinal(thrown)
      for (const slot of committing) {
        slot.restart(thrown)
        if (final) slot.dropped = true
      }
      if (final) throw thrown
      return committing
    }
  }

  return {
    tasks: () => running,
    slots: () => [...slots.values()],
    assign(active, generation) {
      const wanted = new Set(active)
      for (const slot of [...slots.values()]) {
        if (!wanted.has(slot.id)) drop(slot)
        else slot.generation = generation
      }
      for (const id of active) if (!slots.has(id)) begin(id, generation)
      options.onChange()
    },
    isBusy: () =>
      [...byTask].some(([{ task }, slot]) => task.dirty() || slot.running?.committing !== undefined),
    dropAll() {
      for (const slot of [...slots.values()]) drop(slot)
    },
    async commit(tasks) {
      const committing = tasks.flatMap((hosted) => byTask.get(hosted) ?? [])
      const marks = new Map<Slot, () => void>()
      const parts = committing.map((slot) => slot.running!)
      for (const slot of committing) {
        const { hosted, ledger } = slot.running!
        marks.set(slot, hosted.mark())
        ledger.seal(hosted.task.effects())
        hosted.task.committed()
      }
      const done = exactlyOnce
        ? Promise.all(committing.map((slot) => settle([slot], () => exactlyOnceEach(slot))))
        : settle(committing, () => atLeastOnce(committing))
      for (const part of parts) part.committing = done.then(nothing, nothing)
      const undone = new Set((await done).flat())
      for (const part of parts) part.committing = undefined
      for (const [slot, reached] of marks) if (!undone.has(slot)) reached()
    },
    async close() {
      closed = true
      for (const slot of [...slots.values()]) drop(slot)
      await options.lives.ended()
    },
  }
}

const nothing = (): void => {}
