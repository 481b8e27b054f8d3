import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Directory, openDirectory } from '../brokers/embedded/directory.js'
import { RevlogError } from '../core/errors.js'
import { createMetrics } from '../core/metrics.js'
import { planTasks } from '../engine/plan.js'
import type { Topology } from '../topology/topology.js'
import { type Application, openApplication } from './application.js'
import { createCaughtUp } from './caught-up.js'
import { createCommit } from './commit.js'
import type { HostedTask } from './hosted-task.js'
import { createHousekeeping } from './housekeeping.js'
import { createJournal } from './journal.js'
import { runLoop } from './loop.js'
import { type RunOptions, type Settings, settingsOf } from './options.js'
import { createService, type Service } from './service.js'
import { topicsOf } from './topics.js'
import { loadTopology } from './topology-file.js'
import { createWake } from './wake.js'

/** Of input that was read ahead, in all tasks together. */
const INPUT_BYTES = 32 << 20
/** Of outputs and state that wait for their commit, in one task. */
const MAX_PENDING_BYTES = 16 << 20
/** One for each store of each task, and a few more. */
const MAX_DATABASES = 4_096

/**
 * Runs a topology on this machine: reads its source topics, keeps its state and writes its results, all in one
 * directory. Each record's outputs, state and position become durable together, so whatever happens to the
 * process, every record has been processed exactly once. Topics that do not exist yet are created.
 *
 * With `brokers` it runs on Apache Kafka, as a member of the application's group: state stays in the directory, and
 * in changelog topics. Source and sink topics must be there.
 *
 * It resolves once the service takes records.
 *
 * @param source a topology; or the file that exports one by default, as a path or a URL, which threads need
 * @throws RevlogError `E_CONFIG` with all that is wrong with the options, `E_THREADS_TOPOLOGY` and
 *   `E_THREADS_EMBEDDED` for threads that cannot be, `E_STATE_DIR_LOCKED` with who holds the
 *   directory, `E_NOT_COPARTITIONED`, `E_INCOMPATIBLE_TOPOLOGY`, `E_STORE_INCOMPATIBLE`, `E_INPUT_TRUNCATED` …
 * @example
 * const service = await run(consultants)
 * await service.produce(moods, [{ key: 'ada', value: { mood: 'calm', eventTime: Date.now() } }])
 * await service.caughtUp()
 * for await (const { key, value } of service.table(advice)) console.log(key, value)
 * await service.stop()
 */
export async function run(source: Topology | string | URL, options: RunOptions = {}): Promise<Service> {
  const file = fileOf(source)
  const topology = file === undefined ? (source as Topology) : await loadTopology(file)
  const settings = settingsOf(topology, options)
  checkThreads(file, options)
  settings.signal?.throwIfAborted()
  if (settings.kafka !== undefined) {
    // Loaded when it is wanted: a service on this machine alone starts without Kafka's client.
    const { runOnKafka } = await import('./kafka/run.js')
    return runOnKafka(topology, settings, settings.kafka, undefined, file)
  }
  const directory = await openDirectory(settings.directory, { maxDatabases: MAX_DATABASES })
  try {
    const application = await open(topology, directory, settings)
    return launch(topology, directory, settings, application)
  } catch (thrown) {
    await directory.close()
    throw thrown
  }
}

function fileOf(source: Topology | string | URL): string | undefined {
  if (source instanceof URL) return fileURLToPath(source)
  if (typeof source !== 'string') return undefined
  return source.startsWith('file:') ? fileURLToPath(source) : resolve(source)
}

function checkThreads(file: string | undefined, { threads = 1, brokers }: RunOptions): void {
  if (threads === 1) return
  if (brokers === undefined) {
    throw new RevlogError(
      'E_THREADS_EMBEDDED',
      'on the embedded broker everything is committed in one transaction, which one thread writes: more would wait for it',
      { remedy: 'run one thread, or give brokers' },
    )
  }
  if (file === undefined) {
    throw new RevlogError(
      'E_THREADS_TOPOLOGY',
      'a topology has functions, and those cannot be sent to other threads',
      {
        remedy:
          "give the file that exports the topology instead, as a path or URL: run('./topology.js', options)",
      },
    )
  }
}

async function open(topology: Topology, directory: Directory, settings: Settings): Promise<Application> {
  const journal = createJournal(directory)
  const partitionsOf = (topic: string): number =>
    journal.find(topic)?.partitions ?? settings.partitionsOf(topic)
  const plan = planTasks(topology, partitionsOf)
  journal.transaction(() => {
    for (const topic of topicsOf(topology, plan, settings)) {
      if (journal.find(topic.name) === undefined) journal.create(topic)
    }
  })
  return openApplication({
    topology,
    plan,
    journal,
    environment: directory.environment,
    settings,
    inputBytes: INPUT_BYTES,
    maxPendingBytes: MAX_PENDING_BYTES,
  })
}

function launch(
  topology: Topology,
  directory: Directory,
  settings: Settings,
  { tasks, storageOf }: Application,
): Service {
  const journal = createJournal(directory)
  const wake = createWake()
  const housekeeping = createHousekeeping(directory.log.cleaner, tasks)
  const metrics = createMetrics()
  const caughtUp = createCaughtUp(tasks, journal)
  const unsubscribe = directory.onCommit(wake.ring)
  let stopping = false
  // Of a closed directory nothing can be asked any more.
  let left: number | undefined
  const lag = (): number => left ?? lagOf(tasks)
  const stop = (): void => {
    stopping = true
    wake.ring()
  }
  settings.signal?.addEventListener('abort', stop, { once: true })
  // It may have come while the topics were looked at.
  if (settings.signal?.aborted === true) stop()

  const finished = runLoop({
    tasks: () => tasks,
    commit: createCommit(journal, storageOf),
    arrivals: directory.arrivals,
    wake,
    commitIntervalMs: settings.commitIntervalMs,
    maxPendingBytes: MAX_PENDING_BYTES,
    metrics,
    stopping: () => stopping,
    onSettled: caughtUp.check,
    tidy: housekeeping.step,
    onEvent: settings.onEvent,
  }).finally(async () => {
    unsubscribe()
    settings.signal?.removeEventListener('abort', stop)
    try {
      left = lagOf(tasks)
      for (const { task } of tasks) task.close()
    } finally {
      await directory.close()
    }
  })
  const service = createService({
    topology,
    directory,
    metrics: () => ({
      service: metrics.snapshot(),
      tasks: new Map(tasks.map(({ task }) => [task.id, task.metrics.snapshot()])),
      standbys: new Map(),
    }),
    caughtUp,
    finished,
    stop,
    lag,
  })
  settings.onEvent({ kind: 'running', tasks: tasks.length })
  return service
}

const lagOf = (tasks: readonly HostedTask[]): number => tasks.reduce((sum, hosted) => sum + hosted.lag(), 0)
