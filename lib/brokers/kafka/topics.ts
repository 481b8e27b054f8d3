import { RevlogError } from '../../core/errors.js'
import { pause } from './settle.js'
import type { KafkaTopic, TopicAdmin } from './topic-admin.js'
import { checkCopies, checkTopic, type ExpectedTopic, errorOf, type TopicFinding } from './topic-check.js'
import type { TopicCommands } from './topic-commands.js'
import { isCompacted, retentionOf } from './topic-config.js'

/** A topic that belongs to one application and to nobody else. */
export interface InternalTopic {
  readonly name: string
  readonly kind: 'repartition' | 'changelog'
  readonly partitions: number
  /** There is state, or a committed offset, that was made with this topic: a new one would be empty in its place. */
  readonly inUse: boolean
  /** The largest record that comes from, or goes to, topics of others, with its batch; Kafka's default when absent. */
  readonly maxMessageBytes?: number
}

export interface TopicReport {
  /** Those that exist, by name. */
  readonly topics: ReadonlyMap<string, KafkaTopic>
  readonly findings: readonly TopicFinding[]
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The greatest that Kafka takes, a long: no event time is too far ahead. */
const ANY_TIME_AHEAD = '9223372036854775807'

/** Records keep the time that they came with, which an operator may have set to any event time. */
const OWN_TIMES = {
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.after.max.ms': ANY_TIME_AHEAD,
}

/**
 * How internal topics are made. Records of a repartition topic go when they were processed, not when their event time
 * is old. In a changelog the predecessors of a record that nobody vouches for stay for an hour, and tombstones for a
 * day: state that is older than half of that is not trusted.
 */
const SETTINGS: { readonly [kind in InternalTopic['kind']]: { readonly [setting: string]: string } } = {
  repartition: { 'cleanup.policy': 'delete', 'retention.ms': '-1', ...OWN_TIMES },
  changelog: {
    'cleanup.policy': 'compact',
    'min.compaction.lag.ms': String(HOUR_MS),
    'delete.retention.ms': String(DAY_MS),
    ...OWN_TIMES,
  },
}

/** Of a topic that is not told, and of brokers that are not told either. */
const KAFKAS_MAX_MESSAGE_BYTES = 1_048_588
/** What rows of a state and the outbox have beside the record in them. */
const ROOM_BESIDE = 64 * 1024

/** A topic of ours takes what the topics around it take. */
const sizeOf = ({ maxMessageBytes = 0 }: InternalTopic): { readonly [setting: string]: string } =>
  maxMessageBytes > KAFKAS_MAX_MESSAGE_BYTES
    ? { 'max.message.bytes': String(maxMessageBytes + ROOM_BESIDE) }
    : {}

/** A topic that was made a moment ago is not known to every broker yet. */
const KNOWN_WITHIN_MS = 1_000
const LOOK_MS = 100

/** The topics of these names that exist: looks again, for a second, before one counts as missing. */
export async function findTopics(
  admin: TopicAdmin,
  names: readonly string[],
): Promise<readonly KafkaTopic[]> {
  const wanted = new Set(names).size
  for (const until = performance.now() + KNOWN_WITHIN_MS; ; await pause(LOOK_MS, undefined)) {
    const found = await admin.describe(names)
    if (found.length >= wanted || performance.now() > until) return found
  }
}

/** What is wrong with the topics that somebody expects, for a check that reports. */
export async function inspectTopics(
  admin: TopicAdmin,
  expected: readonly ExpectedTopic[],
  commands: TopicCommands,
): Promise<TopicReport> {
  const found = await findTopics(
    admin,
    expected.map(({ name }) => name),
  )
  const topics = new Map(found.map((topic) => [topic.name, topic]))
  const brokers = await admin.brokers()
  const findings = expected.flatMap((topic) => checkTopic(topic, topics.get(topic.name), commands, brokers))
  return { topics, findings }
}

/**
 * The same for a start: resolves with the topics and the warnings.
 *
 * @throws RevlogError `E_TOPIC_UNKNOWN`, `E_TOPIC_PARTITIONS`, `E_TOPIC_NOT_COMPACTED`, for all topics at once, with
 *   the commands that correct them
 */
export async function requireTopics(
  admin: TopicAdmin,
  expected: readonly ExpectedTopic[],
  commands: TopicCommands,
): Promise<TopicReport> {
  const report = await inspectTopics(admin, expected, commands)
  const error = errorOf(report.findings)
  if (error !== undefined) throw error
  return report
}

/**
 * Creates the internal topics that are missing, with the brokers' default number of copies, and checks those that are
 * there. One that is missing while it is in use is never created again: the state would no longer say how it came
 * about. Members that start together may all call this.
 *
 * @throws RevlogError `E_TOPIC_MISSING`, `E_TOPIC_PARTITIONS`, `E_TOPIC_CONFIG`, for all topics at once
 */
export async function ensureInternalTopics(
  admin: TopicAdmin,
  internal: readonly InternalTopic[],
  commands: TopicCommands,
): Promise<TopicReport> {
  const existing = new Set((await findInternal(admin, internal)).map(({ name }) => name))
  const missing = internal.filter(({ name }) => !existing.has(name))
  const lost = errorOf(missing.filter(({ inUse }) => inUse).map(lostTopic))
  if (lost !== undefined) throw lost
  for (const topic of missing) {
    const { name, kind, partitions } = topic
    await admin
      .create({ name, partitions, config: { ...SETTINGS[kind], ...sizeOf(topic) } })
      .catch((thrown: unknown) => {
        // Another member was first; what it has made is checked below.
        if (!(thrown instanceof RevlogError && thrown.code === 'E_TOPIC_EXISTS')) throw thrown
      })
  }
  // What was just made, and is gone again, is lost too.
  const report = await inspectInternalTopics(
    admin,
    internal.map((topic) => ({ ...topic, inUse: true })),
    commands,
  )
  const error = errorOf(report.findings)
  if (error !== undefined) throw error
  return report
}

/** Before the first start all are missing, and need not be looked for twice. */
function findInternal(admin: TopicAdmin, internal: readonly InternalTopic[]): Promise<readonly KafkaTopic[]> {
  const names = internal.map(({ name }) => name)
  return internal.some(({ inUse }) => inUse) ? findTopics(admin, names) : admin.describe(names)
}

/** What is wrong with the internal topics, for a check that reports and makes none. One that is not needed yet may be missing. */
export async function inspectInternalTopics(
  admin: TopicAdmin,
  internal: readonly InternalTopic[],
  commands: TopicCommands,
): Promise<TopicReport> {
  const found = await findInternal(admin, internal)
  const topics = new Map(found.map((topic) => [topic.name, topic]))
  const brokers = await admin.brokers()
  const findings = internal.flatMap((topic) => {
    const there = topics.get(topic.name)
    if (there === undefined) return topic.inUse ? [lostTopic(topic)] : []
    return [...checkInternal(topic, there, commands), ...checkCopies(there, commands, brokers)]
  })
  return { topics, findings }
}

function checkInternal(
  { name, kind, partitions }: InternalTopic,
  found: KafkaTopic,
  commands: TopicCommands,
): readonly TopicFinding[] {
  const error = { severity: 'error', topic: name } as const
  const findings: TopicFinding[] = []
  if (found.partitions !== partitions) {
    findings.push({
      ...error,
      code: 'E_TOPIC_PARTITIONS',
      problem: `the ${kind} topic ${name} has ${found.partitions} partitions, and the topology now makes it ${partitions}: state and records were laid out for the old number`,
      remedy: 'go back to the old number of partitions, or reset the application',
    })
  }
  const forgets = retentionOf(found) !== undefined
  const wrong = kind === 'changelog' ? forgets || !isCompacted(found) : forgets || isCompacted(found)
  if (wrong) {
    findings.push({
      ...error,
      code: 'E_TOPIC_CONFIG',
      problem: `the ${kind} topic ${name} would lose records: cleanup.policy=${found.config.get('cleanup.policy')}, retention.ms=${found.config.get('retention.ms')}`,
      remedy: commands.configure(name, SETTINGS[kind]),
    })
  }
  if (found.config.get('message.timestamp.type') === 'LogAppendTime') {
    findings.push({
      ...error,
      code: 'E_TOPIC_CONFIG',
      problem: `the ${kind} topic ${name} replaces the time of records by the time of their arrival`,
      remedy: commands.configure(name, OWN_TIMES),
    })
  }
  return findings
}

const lostTopic = ({ name, kind }: InternalTopic): TopicFinding => ({
  severity: 'error',
  code: 'E_TOPIC_MISSING',
  topic: name,
  problem: `the ${kind} topic ${name} is gone, and there is state or there are offsets that were made with it`,
  remedy: 'bring the topic back from a copy, or reset the application',
})
