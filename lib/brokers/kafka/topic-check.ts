import { RevlogError } from '../../core/errors.js'
import type { KafkaTopic } from './topic-admin.js'
import type { TopicCommands } from './topic-commands.js'
import { isCompacted, retentionOf } from './topic-config.js'

/** What somebody expects of a topic that exists without us. */
export interface ExpectedTopic {
  readonly name: string
  /** Ends the sentence "topic moods is ": `read as the table moods`, `the revision log advice`. */
  readonly role: string
  /** How many partitions it must have; any number will do when absent. */
  readonly partitions?: number
  /** Whether only the last record of each key counts (a table, a revision log), or each record (a stream). */
  readonly content: 'table' | 'stream'
  /** Whether we write to it: then its copies are our business. */
  readonly written?: boolean
  /** How old a record can be, by its event time, and still be needed; in milliseconds. Nobody knows when absent. */
  readonly historyMs?: number
}

/** Something that is wrong with a topic, and the command that corrects it. */
export interface TopicFinding {
  /** An error must not be started over; a warning is for who reads the log. */
  readonly severity: 'error' | 'warning'
  readonly code: `E_${string}`
  readonly topic: string
  readonly problem: string
  readonly remedy: string
}

/** What is wrong with a topic that is expected; `found` is `undefined` when there is none. */
export function checkTopic(
  expected: ExpectedTopic,
  found: KafkaTopic | undefined,
  commands: TopicCommands,
  brokers: number,
): readonly TopicFinding[] {
  const { name, role, partitions, content, historyMs } = expected
  const table = content === 'table'
  const findings: TopicFinding[] = []
  const find = (
    severity: TopicFinding['severity'],
    code: `E_${string}`,
    problem: string,
    remedy: string,
  ): void => {
    findings.push({ severity, code, topic: name, problem, remedy })
  }
  if (found === undefined) {
    const settings: { readonly [setting: string]: string } = table ? { 'cleanup.policy': 'compact' } : {}
    find(
      'error',
      'E_TOPIC_UNKNOWN',
      `there is no topic ${name}, which is ${role}`,
      commands.create(name, partitions ?? 1, settings),
    )
    return findings
  }
  if (partitions !== undefined && found.partitions < partitions) {
    find(
      'error',
      'E_TOPIC_PARTITIONS',
      `topic ${name}, ${role}, has ${found.partitions} partitions and needs ${partitions}`,
      commands.addPartitions(name, partitions),
    )
  }
  if (partitions !== undefined && found.partitions > partitions) {
    find(
      'error',
      'E_TOPIC_PARTITIONS',
      `topic ${name}, ${role}, has ${found.partitions} partitions and needs ${partitions}; Kafka cannot take partitions away`,
      `copy it into a topic that was created with ${partitions} partitions: ${commands.create(`${name}-copy`, partitions, {})}`,
    )
  }
  const retentionMs = retentionOf(found)
  const compact = { 'cleanup.policy': 'compact' }
  if (table && !isCompacted(found)) {
    find(
      'error',
      'E_TOPIC_NOT_COMPACTED',
      `topic ${name}, ${role}, is not compacted: it would forget keys by the age of their last record, or keep every record for ever`,
      commands.configure(name, compact),
    )
  } else if (table && retentionMs !== undefined) {
    find(
      'warning',
      'E_TOPIC_RETENTION',
      `topic ${name}, ${role}, forgets keys whose last record is older than ${retentionMs} ms by its event time`,
      commands.configure(name, compact),
    )
  }
  if (!table && isCompacted(found)) {
    find(
      'warning',
      'E_TOPIC_COMPACTED',
      `topic ${name}, ${role}, is compacted: earlier records of a key are gone before everybody has read them`,
      commands.configure(name, { 'cleanup.policy': 'delete' }),
    )
  }
  const byEventTime = found.config.get('message.timestamp.type') !== 'LogAppendTime'
  if (!table && byEventTime && historyMs !== undefined && (retentionMs ?? historyMs) < historyMs) {
    find(
      'warning',
      'E_TOPIC_RETENTION',
      `topic ${name}, ${role}, forgets records older than ${retentionMs} ms by their event time, and they count for ${historyMs} ms`,
      commands.configure(name, { 'retention.ms': String(historyMs) }),
    )
  }
  if (expected.written === true) findings.push(...checkCopies(found, commands, brokers))
  return findings
}

/** Whether an acknowledged record survives the loss of a broker. With one broker nothing can. */
export function checkCopies(
  { name, partitions, replicas, config }: KafkaTopic,
  commands: TopicCommands,
  brokers: number,
): readonly TopicFinding[] {
  if (brokers === 1) return []
  const warning = { severity: 'warning', code: 'E_TOPIC_REPLICATION', topic: name } as const
  if (replicas === 1) {
    return [
      {
        ...warning,
        problem: `topic ${name} has one copy, in a cluster of ${brokers} brokers: when its broker is lost, so is what was acknowledged`,
        remedy: `give each of its ${partitions} partitions more replicas: kafka-reassign-partitions.sh, or default.replication.factor of the brokers before it is created`,
      },
    ]
  }
  if (replicas > 2 && Number(config.get('min.insync.replicas') ?? 1) < 2) {
    return [
      {
        ...warning,
        problem: `a record of topic ${name} is acknowledged when one of ${replicas} copies has it`,
        remedy: commands.configure(name, { 'min.insync.replicas': '2' }),
      },
    ]
  }
  return []
}

/** One error for all that must not be started over, with every remedy; `undefined` when there is no such finding. */
export function errorOf(findings: readonly TopicFinding[]): RevlogError | undefined {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first === undefined) return undefined
  return new RevlogError(first.code, errors.map(({ problem }) => problem).join('; '), {
    at: { topic: first.topic },
    remedy: errors.map(({ remedy }) => remedy).join('\n          '),
  })
}
