import type { Plan, PlannedTask } from '../engine/plan.js'
import { createTask, type Task } from '../engine/task.js'
import { assignStoreIds, encodeCommit, encodeIdentity, type StoreIds } from '../state/changelog.js'
import { createLmdbBackend } from '../state/lmdb/backend.js'
import type { Environment } from '../state/lmdb/environment.js'
import type { StateBackend, StoreWrites } from '../state/port.js'
import type { SubTopology } from '../topology/sub-topology.js'
import type { Topology } from '../topology/topology.js'
import { type Changelog, changelogRecords, type TaskStorage } from './commit.js'
import { type HostedTask, hostTask } from './hosted-task.js'
import type { Journal } from './journal.js'
import { type Manifest, matchManifest } from './manifest.js'
import type { Settings } from './options.js'
import { restore } from './restore.js'
import { startPosition } from './start-position.js'
import { changelogTopic } from './topics.js'
import { skipped } from './truncated.js'

/** An application with every task open, at the place where the last commit left it. */
export interface Application {
  readonly tasks: readonly HostedTask[]
  readonly storageOf: (hosted: HostedTask) => TaskStorage
}

export interface OpenOptions {
  readonly topology: Topology
  readonly plan: Plan
  readonly journal: Journal
  readonly environment: Environment
  readonly settings: Settings
  /** Bytes of input that wait in all tasks together. */
  readonly inputBytes: number
  readonly maxPendingBytes: number
}

const MANIFEST_KEY = 'manifest'
const KIB = 1024
const COMPACT = { cleanupPolicy: 'compact' } as const

interface Opening {
  readonly planned: PlannedTask
  readonly state: string
  readonly backend: StateBackend
  readonly changelog: Changelog | undefined
}

/**
 * Opens the state of every task, from its changelog where it is missing, and every task on it. Where tasks begin is
 * committed before any of them runs: `latest` means the end at the first start, whatever happens before the first
 * commit.
 *
 * State is kept in named databases: `<application>#application`, and by task `<application>/<state>/<partition>`.
 */
export async function openApplication(options: OpenOptions): Promise<Application> {
  const { topology, plan, journal, environment, settings } = options
  const { name: application } = topology
  const about = environment.database(`${application}#application`)
  const stored = about.get(MANIFEST_KEY)
  const known = stored === undefined ? undefined : (JSON.parse(stored.toString()) as Manifest)
  const { manifest, names } = matchManifest(application, known, partsOf(plan))

  const opened: Opening[] = []
  for (const planned of plan.tasks) opened.push(await openState(options, planned, names.get(planned.part)!))
  const tasks = opened.map((opening) => ({ ...opening, task: makeTask(opening, settings) }))
  const fresh = tasks.filter(
    ({ task, backend }) => place(task, journal, settings) || backend.metadata() === undefined,
  )
  journal.transaction(() => {
    about.put(MANIFEST_KEY, Buffer.from(JSON.stringify(manifest)))
    for (const { task, backend, changelog } of fresh) {
      const { writes, metadata } = task.effects()
      if (changelog !== undefined) journal.append(openingRecords(changelog, writes, metadata))
      backend.commit(writes, metadata)
    }
  })
  for (const { task } of fresh) task.committed()
  await journal.flushed()

  const inputs = tasks.reduce((sum, { task }) => sum + task.topics.length, 0)
  const fetchBytes = Math.min(1024 * KIB, Math.max(64 * KIB, options.inputBytes / Math.max(1, inputs)))
  const storages = new Map<HostedTask, TaskStorage>()
  for (const { task, state, backend, changelog } of tasks) {
    const hosted = hostTask(task, state, journal, fetchBytes, options.maxPendingBytes)
    storages.set(hosted, { backend, changelog })
  }
  return { tasks: [...storages.keys()], storageOf: (hosted) => storages.get(hosted)! }
}

const partsOf = (plan: Plan) => {
  const partitions = new Map<SubTopology, number>()
  for (const { part, partition } of plan.tasks) {
    partitions.set(part, Math.max(partitions.get(part) ?? 0, partition + 1))
  }
  return [...partitions].map(([part, count]) => ({ part, partitions: count }))
}

async function openState(
  { topology: { name: application }, plan, journal, environment, settings }: OpenOptions,
  planned: PlannedTask,
  state: string,
): Promise<Opening> {
  const { part, partition } = planned
  const backend = createLmdbBackend(environment, `${application}/${state}/${partition}`)
  // Named databases are opened outside of transactions, all of them before the first record.
  for (const { name } of part.stores) backend.rows(name)
  if (part.stores.length === 0) return { planned, state, backend, changelog: undefined }

  const topic = changelogTopic(application, state)
  if (journal.find(topic) === undefined) {
    const partitions = plan.tasks.filter((other) => other.part === part).length
    journal.create({ name: topic, partitions, config: COMPACT })
  }
  // The ids follow from the stores alone, as long as a part keeps the stores that it has; and it does, see the manifest.
  let ids: StoreIds = new Map()
  if (backend.metadata() === undefined && journal.endOffset(topic, partition) > 0) {
    const task = `${part.id}_${partition}`
    const started = Date.now()
    const restored = await restore(journal, backend, topic, partition, (offset, total) =>
      settings.onEvent({ kind: 'restoring', task, records: offset, offset, total }),
    )
    ids = restored.ids
    settings.onEvent({ kind: 'restored', task, records: restored.records, ms: Date.now() - started })
  }
  const stores = part.stores.map((store) => store.name)
  return { planned, state, backend, changelog: { topic, partition, ids: assignStoreIds(ids, stores) } }
}

const makeTask = ({ planned, backend }: Opening, settings: Settings): Task =>
  createTask({
    part: planned.part,
    partition: planned.partition,
    partitions: planned.partitions,
    inputs: planned.inputs,
    state: backend,
    errors: settings.errors,
    maxTaskIdleMs: settings.maxTaskIdleMs,
    generation: settings.generation,
    sourceHeaders: settings.sourceHeaders,
    wallTime: Date.now(),
  })

/** Puts a task where it has never been, or past what is gone. True when there was such a topic. */
function place(task: Task, journal: Journal, { startFrom, offsetReset, onEvent }: Settings): boolean {
  let placed = false
  for (const { topic, internal } of task.part.inputs) {
    if (!task.topics.includes(topic.name)) continue
    const position = task.position(topic.name)
    const offset = startPosition(
      journal,
      topic.name,
      task.partition,
      position,
      internal ? 'earliest' : startFrom,
      internal ? 'none' : offsetReset,
    )
    if (offset === position) continue
    if (position !== undefined) onEvent(skipped(topic.name, task.partition, position, offset))
    task.seek(topic.name, offset)
    placed = true
  }
  return placed
}

const openingRecords = (changelog: Changelog, writes: readonly StoreWrites[], metadata: Buffer) =>
  changelogRecords(
    changelog,
    [encodeIdentity(changelog.ids), ...encodeCommit(changelog.ids, writes, metadata)],
    Date.now(),
  )
