import { existsSync, rmSync } from 'node:fs'
import { holdDirectory } from '../../brokers/embedded/hold.js'
import type { KafkaBroker } from '../../brokers/kafka/broker.js'
import { createGroupAdmin, type GroupAdmin } from '../../brokers/kafka/group/group-admin.js'
import type { CommittedOffset } from '../../brokers/kafka/kafka-client.js'
import type { DescribedMember } from '../../brokers/kafka/wire/groups.js'
import { RevlogError } from '../../core/errors.js'
import type { Topology } from '../../topology/topology.js'
import { type RunOptions, settingsOf } from '../options.js'
import { changelogTopic } from '../topics.js'
import { applicationTopics } from './application-topics.js'
import { readParts } from './known-parts.js'
import { localTasks, tasksDirectory } from './local-state.js'

/** What a reset would remove, so that the application starts as one that has never run. */
export interface ResetPlan {
  readonly application: string
  readonly members: readonly DescribedMember[]
  /** Where the group is. */
  readonly offsets: readonly (CommittedOffset & { readonly offset: number })[]
  /** Changelogs and repartition topics that exist. */
  readonly topics: readonly string[]
  /** Topics that look like this application's own, which the topology as it is now does not have: they stay. */
  readonly strangers: readonly string[]
  readonly directory: string
  /** Tasks that have state there. */
  readonly tasks: readonly string[]
}

export interface ResetOptions {
  /** Takes the members out of the group first: those that are dead, and not yet known to be. */
  readonly force?: boolean
  /** Called after each step, with what was done. */
  readonly onDone?: (done: string) => void
}

/** How often members that come back are taken out again. */
const EVICTIONS = 5

/** Looks, and changes nothing. @throws RevlogError as `run` does, for what cannot be reached or is not allowed */
export async function planReset(
  topology: Topology,
  options: RunOptions,
  kafka: KafkaBroker,
): Promise<ResetPlan> {
  // Under at least once there are more topics, and a guarantee can have been changed.
  const settings = settingsOf(topology, { ...options, processingGuarantee: 'at_least_once' })
  const { plan, sources, internal } = await applicationTopics(topology, settings, kafka.admin)
  const names = new Set(internal.map(({ name }) => name))
  // Also the changelog of a topology that had other stores: that is what a reset after a change is for.
  for (const { name, changelog } of (await readParts(kafka.client, topology.name, plan)).parts) {
    if (changelog) names.add(changelogTopic(topology.name, name))
  }
  const { topics: all } = await kafka.client.metadata('all')
  const topics = all.filter(({ name }) => names.has(name))
  const looksOurs = new RegExp(`^${topology.name.replaceAll('.', '\\.')}-.*-(?:changelog|repartition)$`)
  const places = [
    ...sources.flatMap(({ name, partitions }) => placesOf(name, partitions)),
    ...topics.flatMap(({ name, partitions }) => placesOf(name, partitions.length)),
  ]
  const committed = await kafka.client.committedOffsets(topology.name, places, { requireStable: false })
  const group = createGroupAdmin(kafka.client, topology.name)
  try {
    const { members } = await group.describe()
    return {
      application: topology.name,
      members,
      offsets: committed.flatMap((one) => (one.offset === undefined ? [] : [{ ...one, offset: one.offset }])),
      topics: topics.map(({ name }) => name).sort(),
      strangers: all.map(({ name }) => name).filter((name) => looksOurs.test(name) && !names.has(name)),
      directory: settings.directory,
      tasks: localTasks(settings.directory),
    }
  } finally {
    group.close()
  }
}

const placesOf = (topic: string, partitions: number) =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))

/**
 * Does what the plan says. Internal topics go first and the offsets last: as long as it is not done, an application
 * that has state finds its changelog gone and refuses to start. So whatever interrupts it, it can be done again.
 *
 * @throws RevlogError `E_GROUP_ACTIVE` while members are active, `E_STATE_DIR_LOCKED` while a process of this machine is
 */
export async function reset(plan: ResetPlan, kafka: KafkaBroker, options: ResetOptions = {}): Promise<void> {
  const { force = false, onDone = () => {} } = options
  const { application, directory, topics } = plan
  const group = createGroupAdmin(kafka.client, application)
  let release: (() => Promise<void>) | undefined
  try {
    // Which a reset must not make, and of which a member with a fixed place, that no group knows, has hold.
    if (existsSync(directory)) release = await holdDirectory(directory)
    await emptied(group, application, force)
    for (const topic of topics) {
      await kafka.admin.remove([topic])
      onDone(`deleted topic ${topic}`)
    }
    if (localTasks(directory).length > 0) {
      rmSync(tasksDirectory(directory), { recursive: true, force: true })
      onDone(`deleted the state in ${tasksDirectory(directory)}`)
    }
    for (let left = force ? EVICTIONS : 1; ; left--) {
      try {
        await group.remove()
        break
      } catch (thrown) {
        const came = thrown instanceof RevlogError && thrown.code === 'E_GROUP_ACTIVE'
        if (!came || left <= 1) throw thrown
        await emptied(group, application, force)
      }
    }
    onDone(`deleted group ${application} with its offsets`)
  } finally {
    group.close()
    await release?.()
  }
}

async function emptied(group: GroupAdmin, application: string, force: boolean): Promise<void> {
  const { members } = await group.describe()
  if (members.length === 0) return
  if (!force) throw active(application, members)
  await group.evict(members)
}

const active = (application: string, members: readonly DescribedMember[]): RevlogError =>
  new RevlogError(
    'E_GROUP_ACTIVE',
    `group ${application} has active members: ${members.map(describeMember).join(', ')}`,
    {
      remedy:
        'stop them, and wait for the session timeout of one that was killed; --force takes them out now, for members that are dead: one that lives comes back and would work on what is being deleted',
    },
  )

/** `instance-1 at 10.0.0.7` */
export const describeMember = ({ memberId, instanceId, host }: DescribedMember): string =>
  `${instanceId ?? memberId} at ${host.replace(/^\//, '')}`
