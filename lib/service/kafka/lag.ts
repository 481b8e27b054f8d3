import type { KafkaBroker } from '../../brokers/kafka/broker.js'
import { createGroupAdmin } from '../../brokers/kafka/group/group-admin.js'
import type { ListedOffset } from '../../brokers/kafka/kafka-client.js'
import type { Topology } from '../../topology/topology.js'
import { type RunOptions, settingsOf } from '../options.js'
import { applicationTopics } from './application-topics.js'

/** How far a task is behind in one of its inputs. */
export interface InputLag {
  /** `total_0` */
  readonly task: string
  readonly topic: string
  readonly partition: number
  /** Of the next record to be processed, as the group knows it; `undefined` when nothing was committed yet. */
  readonly position: number | undefined
  /** Of the next record to be written. */
  readonly end: number
  /** In offsets: what transactions mark and what compaction has removed is counted too. */
  readonly lag: number
}

export interface LagReport {
  readonly application: string
  /** Kafka's word: `Stable`, `Empty`, `PreparingRebalance`, …; `Dead` when there is none. */
  readonly state: string
  readonly members: number
  readonly inputs: readonly InputLag[]
  /** Input topics that do not exist. */
  readonly missing: readonly string[]
  readonly total: number
}

/**
 * Asks Kafka how far an application is, from outside: it need not run.
 *
 * @throws RevlogError `E_NOT_COPARTITIONED`, `E_AUTHORIZATION`, `E_BROKER_UNREACHABLE`, `E_INCOMPATIBLE_TOPOLOGY`
 */
export async function lagOf(
  topology: Topology,
  options: RunOptions,
  { client, admin }: Pick<KafkaBroker, 'client' | 'admin'>,
): Promise<LagReport> {
  const { plan, parts } = await applicationTopics(topology, settingsOf(topology, options), admin, client)
  const wanted = plan.tasks.flatMap(({ part, partition, inputs }) => {
    const { name } = parts.find((named) => named.part === part)!
    return inputs.map(({ topic }) => ({ task: `${name}_${partition}`, topic: topic.name, partition }))
  })
  const { topics } = await client.metadata([...new Set(wanted.map(({ topic }) => topic))])
  const missing = topics.filter(({ error }) => error?.code === 'E_TOPIC_UNKNOWN').map(({ name }) => name)
  const denied = topics.find(({ error, name }) => error !== undefined && !missing.includes(name))
  if (denied?.error !== undefined) throw denied.error
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
  const there = wanted.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0))
  const list = (at: 'earliest' | 'latest'): Promise<readonly ListedOffset[]> =>
    client.listOffsets(
      there.map(({ topic, partition }) => ({ topic, partition, at })),
      { isolation: 'read_uncommitted' },
    )
  // Positions first: then no input is ahead of its end.
  const committed = await client.committedOffsets(topology.name, there, { requireStable: false })
  const [starts, ends] = await Promise.all([list('earliest'), list('latest')])
  const group = createGroupAdmin(client, topology.name)
  try {
    const { state, members } = await group.describe()
    const inputs = there.map(({ task, topic, partition }, i): InputLag => {
      const position = committed[i]!.offset
      const end = ends[i]!.offset!
      return { task, topic, partition, position, end, lag: end - Math.max(position ?? 0, starts[i]!.offset!) }
    })
    const total = inputs.reduce((sum, { lag }) => sum + lag, 0)
    return { application: topology.name, state, members: members.length, inputs, missing, total }
  } finally {
    group.close()
  }
}
