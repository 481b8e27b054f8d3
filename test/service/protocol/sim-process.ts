import { RevlogError } from '../../../lib/core/errors.js'
import type { PlannedTask } from '../../../lib/engine/plan.js'
import { createTask } from '../../../lib/engine/task.js'
import { commitAtLeastOnce, isUndisturbed } from '../../../lib/service/protocol/at-least-once.js'
import { commitExactlyOnce } from '../../../lib/service/protocol/exactly-once.js'
import type { Ledger } from '../../../lib/service/protocol/ledger.js'
import type { Producer, Step, TransactionalProducer } from '../../../lib/service/protocol/ports.js'
import { type Owned, takeOver, takeOverTransactional } from '../../../lib/service/protocol/take-over.js'
import type { Random } from '../../state/random.js'
import type { SimDisk } from './sim-disk.js'
import { type SimClient, SimFenced, type SimKafka } from './sim-kafka.js'
import { createWire, SimCrash, SimLost, type Wire } from './sim-network.js'

export type Guarantee = 'at_least_once' | 'exactly_once'

/** A task of the application under test. */
export interface SimTask {
  readonly name: string
  readonly planned: PlannedTask
  /** Of a task that keeps nothing, `undefined`. */
  readonly changelog: string | undefined
  readonly outboxTopics: ReadonlySet<string>
}

/** One life of a process: it runs the tasks that it believes to own until it is killed. */
export interface SimProcess {
  readonly wire: Wire
  readonly frozen: () => boolean
  readonly freeze: (frozen: boolean) => void
  readonly kill: () => void
  readonly dead: () => boolean
  /** What it was told by the group. */
  readonly assign: (task: SimTask, generation: number) => void
  readonly revoke: (task: SimTask) => void
  readonly owned: (task: SimTask) => Owned | undefined
  /** Whether it has nothing to do: every input read to its end, and all of it certain. */
  readonly idle: (task: SimTask) => boolean
}

/** How a process does it wrong, to see that the simulation notices. */
export interface Mutant {
  /** Instead of what the process does with a ledger that is sealed. */
  readonly commit?: (ledger: Ledger, producer: Producer) => Promise<void>
  /** Also sees what is not committed. */
  readonly readsUncommitted?: boolean
  /** Sends to repartition topics like to any other. */
  readonly withoutOutbox?: boolean
}

export interface ProcessOptions {
  readonly mutant: Mutant
  readonly random: Random
  readonly kafka: SimKafka
  readonly guarantee: Guarantee
  readonly partitionsOf: (topic: string) => number
  readonly disk: (task: SimTask) => SimDisk
  /** The generation in which a task is owned now, as the coordinator sees it. */
  readonly generation: (task: SimTask) => number
  /** How often a step of a protocol is the last thing that the process does. */
  readonly stepCrash: () => number
  readonly transactionRows: number
  readonly onError: (error: unknown) => void
}

/** Failures that the runtime answers by taking over anew. */
const isExpected = (thrown: unknown): boolean =>
  thrown instanceof SimLost ||
  thrown instanceof SimFenced ||
  (thrown instanceof RevlogError && (thrown.code === 'E_TASK_CONTENDED' || thrown.code === 'E_TASK_MIGRATED'))

export function startProcess(options: ProcessOptions): SimProcess {
  const { random, kafka, guarantee } = options
  const wire = createWire(random)
  const client: SimClient = kafka.connect(wire, options.mutant.readsUncommitted !== true)
  const belief = new Map<SimTask, number>()
  const running = new Map<SimTask, Owned>()
  const lives = new Map<SimTask, Promise<void>>()
  const idle = new Set<SimTask>()
  let frozen = false
  let dead = false

  function kill(): void {
    dead = true
    wire.cut()
  }
  const step: Step = () => {
    if (dead) throw new SimCrash()
    if (random.chance(options.stepCrash())) {
      kill()
      throw new SimCrash()
    }
  }

  async function life(sim: SimTask, generation: number): Promise<void> {
    const { planned, name } = sim
    const { part, partition } = planned
    const mine = (): boolean => !dead && belief.get(sim) === generation
    while (mine()) {
      try {
        const producer =
          guarantee === 'exactly_once'
            ? await client.transactional(`${name}_${partition}`)
            : await client.producer()
        const topics = planned.inputs.map((input) => input.topic.name)
        const taking = {
          name,
          partition,
          backend: options.disk(sim).open(),
          stores: part.stores.map((store) => store.name),
          changelog: sim.changelog === undefined ? undefined : client.changelog(sim.changelog, partition),
          outboxTopics:
            guarantee === 'exactly_once' || options.mutant.withoutOutbox === true
              ? new Set<string>()
              : sim.outboxTopics,
          partitionsOf: options.partitionsOf,
          makeTask: (state: ReturnType<SimDisk['open']>) =>
            createTask({ ...planned, state, wallTime: 0, maxTaskIdleMs: -1 }),
          committed: () => client.committed(topics, partition),
          startOffset: () => Promise.resolve(0),
          wallTime: kafka.time,
          step,
          transactionRows: options.transactionRows,
        }
        const tell = (positions: Parameters<SimClient['tell']>[0]) =>
          client.tell(positions, () => options.generation(sim) === generation).catch(ignoreExpected)
        const owned =
          guarantee === 'exactly_once'
            ? await takeOverTransactional(taking, producer as TransactionalProducer)
            : await takeOver(taking, producer, tell)
        if (!mine()) return
        running.set(sim, owned)
        await process(sim, owned, producer, tell, mine)
      } catch (thrown) {
        if (thrown instanceof SimCrash || !mine()) return
        if (!isExpected(thrown)) return options.onError(thrown)
      } finally {
        running.delete(sim)
        idle.delete(sim)
      }
    }
  }

  async function process(
    sim: SimTask,
    { task, ledger }: Owned,
    producer: Producer,
    tell: (positions: Parameters<SimClient['tell']>[0]) => Promise<void>,
    mine: () => boolean,
  ): Promise<void> {
    const { partition } = sim.planned
    const fetched = new Map(task.topics.map((topic) => [topic, task.position(topic)!]))
    while (mine()) {
      let atEnd = true
      for (const topic of task.topics) {
        const { records, nextOffset, end } = await client.read(topic, partition, fetched.get(topic)!)
        task.add(topic, records, end)
        fetched.set(topic, nextOffset)
        if (nextOffset < end) atEnd = false
      }
      task.process(kafka.time(), random.integer(6))
      if (!task.dirty()) {
        const rest = atEnd && task.topics.every((topic) => task.buffered(topic) === 0)
        if (rest && sim.changelog !== undefined && guarantee === 'at_least_once') {
          if (!(await isUndisturbed(ledger, client.changelog(sim.changelog, partition).bounds))) return
        }
        if (rest) idle.add(sim)
        continue
      }
      idle.delete(sim)
      if (random.chance(0.3)) continue
      ledger.seal(task.effects())
      task.committed()
      const mutated = options.mutant.commit?.(ledger, producer)
      const commit =
        mutated !== undefined
          ? mutated
          : guarantee === 'exactly_once'
            ? commitExactlyOnce(ledger, producer as TransactionalProducer, kafka.time(), step)
            : commitAtLeastOnce([ledger], producer, tell, kafka.time(), step)
      // The next records are processed while this commit is on its way.
      if (random.chance(0.7)) task.process(kafka.time(), random.integer(6))
      const lost = await commit
      if (lost instanceof Set && lost.size > 0) return
    }
  }

  return {
    wire,
    frozen: () => frozen,
    freeze(to) {
      frozen = to
    },
    kill,
    dead: () => dead,
    assign(task, generation) {
      belief.set(task, generation)
      // A state has one user: what the task was before in this process has to end first.
      const before = lives.get(task) ?? Promise.resolve()
      lives.set(task, before.then(() => life(task, generation)).catch(options.onError))
    },
    revoke(task) {
      belief.delete(task)
    },
    owned: (task) => running.get(task),
    idle: (task) => idle.has(task),
  }
}

function ignoreExpected(thrown: unknown): void {
  if (!isExpected(thrown)) throw thrown
}
