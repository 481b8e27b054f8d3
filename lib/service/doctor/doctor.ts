import type { KafkaBroker } from '../../brokers/kafka/broker.js'
import { createGroupAdmin } from '../../brokers/kafka/group/group-admin.js'
import type { TopicFinding } from '../../brokers/kafka/topic-check.js'
import { topicCommands } from '../../brokers/kafka/topic-commands.js'
import { inspectInternalTopics, inspectTopics } from '../../brokers/kafka/topics.js'
import { sinkTopicsOf, sourceTopicsOf, type Topology } from '../../topology/topology.js'
import { type ApplicationTopics, applicationTopics } from '../kafka/application-topics.js'
import { lagOf } from '../kafka/lag.js'
import { type RunOptions, settingsOf } from '../options.js'
import { type Area, type Check, failed, note, ok } from './check.js'
import { checkClock } from './clock.js'
import { checkPermissions, type TopicUse } from './permissions.js'
import { checkState } from './state.js'
import { checkVersions } from './versions.js'

/**
 * Looks at everything that an application on Kafka needs, and changes nothing. It never rejects: what cannot be looked
 * at is a finding.
 *
 * @example
 * const checks = await examine(topology, { brokers: 'localhost:9092' }, kafka)
 * if (checks.some(({ severity }) => severity === 'error')) …
 */
export async function examine(
  topology: Topology,
  options: RunOptions,
  kafka: KafkaBroker,
): Promise<readonly Check[]> {
  const settings = settingsOf(topology, options)
  const { client, admin } = kafka
  const checks: Check[] = []
  /** Adds what a look finds; a look that fails is the only finding of its own. */
  const look = async (area: Area, see: () => Promise<readonly Check[]>): Promise<void> => {
    checks.push(...(await see().catch((thrown: unknown) => [failed(area, thrown)])))
  }
  let cluster: string | undefined
  await look('connection', async () => {
    const { clusterId, brokers } = await client.metadata([])
    cluster = clusterId
    const addresses = brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
    return [ok('connection', `cluster ${clusterId} has ${brokers.length} brokers: ${addresses}`)]
  })
  await look('versions', () => checkVersions(client))

  let found: ApplicationTopics | undefined
  await look('topics', async () => {
    found = await applicationTopics(topology, settings, admin, client)
    const commands = topicCommands(settings.kafka!.client.brokers)
    const { findings } = await inspectTopics(admin, found.expected, commands)
    const fine = `${found.expected.map(({ name }) => name).join(', ')}: there, with partitions and settings that go together`
    return summed('topics', findings, fine)
  })
  const group = createGroupAdmin(client, topology.name)
  try {
    const sources = new Set<string>(sourceTopicsOf(topology))
    await look('permissions', () =>
      checkPermissions(
        client,
        found === undefined ? namedBy(topology, sources) : usesOf(found, sources),
        group,
        topology.name,
        settings.kafka?.exactlyOnce === true,
      ),
    )
  } finally {
    group.close()
  }
  const topics = found
  if (topics !== undefined) {
    await look('internal topics', () => checkInternalTopics(topology, options, kafka, topics))
    await look('clock', () => checkClock(client, topics.sources, Date.now()))
    await look('group', () => checkGroup(topology, options, kafka, topics))
  }
  await look('state', () => checkState(settings.directory, topology.name, cluster))
  return checks
}

const useOf = (name: string, read: boolean, written: boolean): TopicUse => ({
  name,
  needs: [
    ...(read ? (['READ'] as const) : []),
    ...(written ? (['WRITE'] as const) : []),
    'DESCRIBE',
    'DESCRIBE_CONFIGS',
  ],
  makes: false,
})

/** When the topics cannot be looked at, of the application's own nobody knows. */
const namedBy = (topology: Topology, sources: ReadonlySet<string>): readonly TopicUse[] => {
  const sinks = new Set<string>(sinkTopicsOf(topology))
  return [...new Set([...sources, ...sinks])].map((name) => useOf(name, sources.has(name), sinks.has(name)))
}

const usesOf = (
  { expected, internal }: ApplicationTopics,
  sources: ReadonlySet<string>,
): readonly TopicUse[] => [
  ...expected.map(({ name, written = false }) => useOf(name, sources.has(name), written)),
  ...internal.map(({ name, kind }): TopicUse => {
    const use = useOf(name, true, true)
    // Of a repartition topic is deleted what was processed.
    return { ...use, makes: true, needs: kind === 'repartition' ? [...use.needs, 'DELETE'] : use.needs }
  }),
]

const summed = (area: Area, findings: readonly TopicFinding[], fine: string): readonly Check[] =>
  findings.length === 0
    ? [ok(area, fine)]
    : findings.map(({ severity, code, problem, remedy }) => ({ area, severity, code, said: problem, remedy }))

async function checkInternalTopics(
  topology: Topology,
  options: RunOptions,
  { admin }: KafkaBroker,
  { internal }: ApplicationTopics,
): Promise<readonly Check[]> {
  const { topics, findings } = await inspectInternalTopics(
    admin,
    internal,
    topicCommands(settingsOf(topology, options).kafka!.client.brokers),
  )
  const missing = internal.filter(({ name }) => !topics.has(name)).map(({ name }) => name)
  const fine =
    missing.length === 0
      ? `${[...topics.keys()].join(', ') || 'none is needed'}: there, as they have to be`
      : `${missing.join(', ')}: made at the first start`
  return summed('internal topics', findings, fine)
}

async function checkGroup(
  topology: Topology,
  options: RunOptions,
  kafka: KafkaBroker,
  { plan }: ApplicationTopics,
): Promise<readonly Check[]> {
  const { state, members, total, inputs } = await lagOf(topology, options, kafka)
  const tasks = plan.tasks.length
  const position = inputs.every((input) => input.position === undefined)
    ? 'nothing was committed yet'
    : `${total} offsets behind`
  const checks = [
    ok('group', `${topology.name} is ${state}, with ${members} members for ${tasks} tasks; ${position}`),
  ]
  if (members > tasks) {
    checks.push(note('group', `${members - tasks} members have nothing to do: a task is one partition`))
  }
  return checks
}
