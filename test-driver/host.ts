import type { LogRecord, ProducerRecord } from '../lib/core/record.js'
import type { ErrorPolicies } from '../lib/engine/errors.js'
import { type Plan, type PlannedTask, planTasks } from '../lib/engine/plan.js'
import { createTask, type Task } from '../lib/engine/task.js'
import type { Topology } from '../lib/topology/topology.js'
import { createDropCounts, type DropCounts } from './drop-counts.js'
import { withoutChance } from './no-chance.js'
import { createTaskStates, type StoreEngine, type TaskState } from './task-states.js'
import { createTopicLog, type Logged, type TopicLog } from './topic-log.js'

/** What is lost when the application crashes. */
export type Crash =
  /** Outputs, state and positions of what was not committed: what a crash does on the embedded broker. */
  | 'lost'
  /**
   * State and positions, while the outputs were already sent: what a crash does on Kafka with at-least-once
   * processing. The records are processed again, and their outputs are sent again.
   */
  | 'resent'

export interface HostOptions {
  readonly partitionsOf: (topic: string) => number
  readonly store: StoreEngine
  readonly errors: ErrorPolicies
  readonly maxTaskIdleMs: number
  readonly generation: number
  readonly wallTime: number
  /** A task commits after so many records. */
  readonly commitEvery: number
  /** Functions of the topology must not ask for the time of day or for chance. */
  readonly strict: boolean
}

/** A task that runs, where it reads, and what became of its counters. */
export interface Running {
  readonly task: Task
  readonly state: TaskState
  readonly drops: DropCounts
  readonly fetched: Map<string, number>
  uncommitted: number
}

/**
 * Runs a topology's tasks on topics in memory: what the service does with a broker, without time. It holds what
 * survives a crash (topics, committed state, changelogs); everything else is thrown away by `restart`.
 */
export interface Host {
  readonly plan: Plan
  readonly tasks: () => readonly Running[]
  readonly wallTime: () => number
  /** Every topic that was read, written or asked for, by name. */
  readonly topics: ReadonlyMap<string, TopicLog>
  readonly topic: (name: string) => TopicLog
  /** The topics that tasks wrote to. */
  readonly produced: ReadonlySet<string>
  readonly append: (record: ProducerRecord) => Logged
  /** Processes what can be processed now, in every task, and what that leads to. */
  readonly run: () => void
  readonly advanceWallClock: (ms: number) => void
  readonly commit: () => void
  /** Throws every task away and makes new ones from the last commit. */
  readonly restart: () => void
  /** The same, with the committed state lost too: it comes back from the changelogs. */
  readonly wipe: (compacted: boolean) => void
  readonly crashAfter: (records: number, crash: Crash) => void
  /** Records dropped, by reason, over all tasks and their lives. */
  readonly dropped: () => ReadonlyMap<string, number>
  readonly close: () => void
}

export function createHost(topology: Topology, options: HostOptions): Host {
  const { partitionsOf, commitEvery } = options
  const guard: <T>(act: () => T) => T = options.strict ? withoutChance : (act) => act()
  const plan = planTasks(topology, partitionsOf)
  const states = createTaskStates(options.store)
  const topics = new Map<string, TopicLog>()
  const produced = new Set<string>()
  const drops = new Map<string, DropCounts>()
  let wallTime = options.wallTime
  let fault: { records: number; readonly crash: Crash } | undefined
  let tasks: readonly Running[] = []

  const topic = (name: string): TopicLog => {
    const known = topics.get(name)
    if (known !== undefined) return known
    const made = createTopicLog(name, plan.repartitionTopics.get(name) ?? partitionsOf(name))
    topics.set(name, made)
    return made
  }

  function start({ part, partition, partitions, inputs }: PlannedTask): Running {
    const id = `${part.id}_${partition}`
    const state = states.open(id, part)
    const task = createTask({
      part,
      partition,
      partitions,
      inputs,
      state: state.backend,
      errors: options.errors,
      maxTaskIdleMs: options.maxTaskIdleMs,
      generation: options.generation,
      wallTime,
    })
    const fetched = new Map<string, number>()
    for (const name of task.topics) {
      if (task.position(name) === undefined) task.seek(name, 0)
      fetched.set(name, task.position(name)!)
    }
    const counts = drops.get(id) ?? createDropCounts()
    drops.set(id, counts)
    counts.follow(task.metrics)
    return { task, state, drops: counts, fetched, uncommitted: 0 }
  }

  function feed({ task, fetched }: Running): void {
    for (const name of task.topics) {
      const log = topic(name)
      const records: readonly LogRecord[] = log.read(task.partition, fetched.get(name)!)
      const end = log.end(task.partition)
      fetched.set(name, end)
      guard(() => task.add(name, records, end))
    }
  }

  const send = (outputs: readonly ProducerRecord[]): void => {
    for (const output of outputs) {
      produced.add(output.topic)
      topic(output.topic).append(output)
    }
  }

  function commit(running: Running): void {
    const { task, state } = running
    running.uncommitted = 0
    const effects = task.effects()
    send(effects.outputs)
    state.commit(effects.writes, effects.metadata)
    task.committed()
    running.drops.commit()
  }

  function stop(): void {
    for (const { task } of tasks) task.close()
    tasks = []
  }

  function restart(): void {
    stop()
    tasks = plan.tasks.map(start)
  }

  function crash({ task }: Running, kind: Crash): void {
    // What goes through a topic of the application's own is never sent before it is committed.
    if (kind === 'resent') send(task.effects().outputs.filter((o) => !plan.repartitionTopics.has(o.topic)))
    restart()
  }

  /** Lets one task process all it can. `crashed` when the tasks are not the same any more. */
  function drain(running: Running): 'idle' | 'moved' | 'crashed' {
    feed(running)
    let moved = false
    for (;;) {
      const limit = Math.min(commitEvery - running.uncommitted, fault?.records ?? Infinity)
      const n = guard(() => running.task.process(wallTime, limit))
      running.uncommitted += n
      if (fault !== undefined) {
        fault.records -= n
        if (fault.records === 0) {
          const { crash: kind } = fault
          fault = undefined
          crash(running, kind)
          return 'crashed'
        }
      }
      if (running.uncommitted >= commitEvery) commit(running)
      if (n === 0) break
      moved = true
    }
    // Nothing was processed, but records may have been dropped, and a dead letter may have left for a source topic.
    if (commitEvery === 1 && running.task.dirty()) commit(running)
    return moved ? 'moved' : 'idle'
  }

  function run(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const running of tasks) {
        const result = drain(running)
        if (result !== 'idle') moved = true
        if (result === 'crashed') break
      }
      moved ||= tasks.some(({ task, fetched }) =>
        task.topics.some((name) => fetched.get(name)! < topic(name).end(task.partition)),
      )
    }
  }

  /** A task that failed is useless: the application starts again from the last commit, as the service would. */
  function failing(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      restart()
      throw thrown
    }
  }

  try {
    tasks = plan.tasks.map(start)
  } catch (thrown) {
    states.close()
    throw thrown
  }
  return {
    plan,
    tasks: () => tasks,
    wallTime: () => wallTime,
    topics,
    topic,
    produced,
    append: (record) => topic(record.topic).append(record),
    run: () => failing(run),
    advanceWallClock(ms) {
      wallTime += ms
      failing(() => {
        for (const running of tasks) {
          if (guard(() => running.task.punctuate(wallTime)) && commitEvery === 1) commit(running)
        }
        run()
      })
    },
    commit() {
      failing(() => {
        // What is committed may give another task something to process, which then waits for its own commit.
        for (run(); tasks.some(({ task }) => task.dirty()); run()) {
          for (const running of tasks) if (running.task.dirty()) commit(running)
        }
      })
    },
    dropped() {
      const sums = new Map<string, number>()
      for (const { drops: counts } of tasks) {
        for (const [reason, n] of counts.counts()) sums.set(reason, (sums.get(reason) ?? 0) + n)
      }
      return sums
    },
    restart,
    crashAfter(records, kind) {
      fault = { records, crash: kind }
    },
    wipe(compacted) {
      stop()
      states.wipe(compacted)
      tasks = plan.tasks.map(start)
    },
    close() {
      stop()
      states.close()
    },
  }
}
