import type { KafkaOptions } from '../brokers/kafka/options.js'
import { type Duration, milliseconds, seconds } from '../core/duration.js'
import { RevlogError } from '../core/errors.js'
import type { ErrorPolicies, ErrorPolicy } from '../engine/errors.js'
import { FAIL_ON_ERROR } from '../engine/errors.js'
import { repartitionTopic } from '../topology/repartition-topic.js'
import { sinkTopicsOf, sourceTopicsOf, type Topology } from '../topology/topology.js'
import type { ServiceEvent } from './events.js'

/** Where a topic that was never read is begun: its first record, its end, or the first record of that time. */
export type StartFrom = 'earliest' | 'latest' | number | Date

/** What {@link run} may be told. Everything has a default that suits a single machine. */
export interface RunOptions {
  /** The directory of the broker: topics and state. Default `.revlog/<name of the topology>`. One process at a time. */
  readonly directory?: string
  /** For source topics that this application has never read. Default `earliest`. A number is milliseconds since the epoch. */
  readonly startFrom?: StartFrom
  /**
   * Kafka's `auto.offset.reset`, for topics that this application has read: what happens when records were deleted
   * before it read them. `none`, the default, stops with `E_INPUT_TRUNCATED`; `earliest` goes on at the first record
   * that is still there, `latest` with what comes from now on, and both say as a warning of that code which offsets are
   * skipped. Topics of the application's own are never skipped in.
   *
   * @example run(shop, { brokers, offsetReset: 'earliest' })
   */
  readonly offsetReset?: OffsetReset
  /** What happens to bad records; each policy is `fail` by default. `deadLetterTopic` names where they go. */
  readonly onError?: Partial<ErrorPolicies>
  /**
   * Kafka Streams' `max.task.idle.ms`: how long an input that is read to its end is waited for, so that records
   * of several inputs are taken in the order of their time. Default 0: only for what is in the log already. -1 never waits.
   */
  readonly maxTaskIdle?: Duration | -1
  /**
   * The longest that results wait for their commit while there is more to read; what has caught up commits at
   * once. Default 20 ms, on Kafka 100 ms. Longer commits make fewer and larger transactions.
   */
  readonly commitInterval?: Duration
  /** Partitions of topics that do not exist yet: one number, or a number by topic. Default 1. */
  readonly partitions?: number | { readonly [topic: string]: number }
  /** Of revisions, 0 to 65535: raise it when answers are meant to replace those of an earlier run. Default 0. */
  readonly generation?: number
  /** Run on Apache Kafka: `host:port` of some brokers, separated by commas or as a list. The embedded broker when absent. */
  readonly brokers?: string | readonly string[]
  /** On Kafka: `true`, or certificates, as `tls.connect` takes them. */
  readonly ssl?: KafkaOptions['ssl']
  /** On Kafka: PLAIN, SCRAM or OAUTHBEARER, as kafkajs takes it. */
  readonly sasl?: KafkaOptions['sasl']
  /** On Kafka: how brokers' logs and quotas call this process. The topology's name when absent. */
  readonly clientId?: string
  /**
   * On Kafka: `at_least_once` (default) has state that took each input exactly once and may repeat answers, with the
   * same revisions, after a crash. `exactly_once` writes in transactions: readers of committed records see no answer
   * twice, each as late as its commit. The embedded broker is always exact.
   */
  readonly processingGuarantee?: 'at_least_once' | 'exactly_once'
  /** On Kafka: a fixed place, member `index` of `count`, instead of a group that distributes tasks anew. */
  readonly member?: { readonly index: number; readonly count: number }
  /**
   * On Kafka: on so many other members a copy of each task's state is kept, for who takes the task over. Default 0.
   * Every member needs the same number.
   */
  readonly standbyReplicas?: number
  /**
   * On Kafka: tasks run on so many threads of this process, which gets so many times the share of a member with one.
   * The topology is then given as a file. Default 1: in the thread that called `run`.
   */
  readonly threads?: number
  /** On Kafka: keeps the place of a member that comes back under this name within the session timeout (KIP-345). */
  readonly instanceId?: string
  /** On Kafka: after so long without a sign of life others get the tasks. Default 10 s. */
  readonly sessionTimeout?: Duration
  /** On Kafka: how long stopping may take before what is not committed is given up; it is processed again. Default 30 s. */
  readonly shutdownTimeout?: Duration
  /**
   * Every output says in the header `revlog-source` which input record it was made from: `topic-partition@offset`.
   * A sink that takes one record for each pair of key and source is not harmed by repeated ones. Default false.
   */
  readonly sourceHeaders?: boolean
  /** Stops the service as `stop()` does; aborted before it runs, `run` rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Is told what happens: restoring, pausing on a full disk, going on. Must not throw. */
  readonly onEvent?: (event: ServiceEvent) => void
}

/** Options with every default filled in. */
export interface Settings {
  readonly directory: string
  readonly startFrom: 'earliest' | 'latest' | number
  readonly offsetReset: OffsetReset
  readonly errors: ErrorPolicies
  readonly maxTaskIdleMs: number
  readonly commitIntervalMs: number
  readonly partitionsOf: (topic: string) => number
  readonly generation: number
  readonly sourceHeaders: boolean
  /** `undefined` for the embedded broker. */
  readonly kafka: KafkaSettings | undefined
  readonly signal: AbortSignal | undefined
  readonly onEvent: (event: ServiceEvent) => void
}

export interface KafkaSettings {
  readonly client: KafkaOptions
  readonly exactlyOnce: boolean
  readonly member: { readonly index: number; readonly count: number } | undefined
  readonly standbyReplicas: number
  readonly threads: number
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly shutdownTimeoutMs: number
}

const POLICIES: readonly ErrorPolicy[] = ['fail', 'skip', 'dead-letter']
const MAX_PARTITIONS = 10_000
const MAX_GENERATION = 0xffff
const MAX_STANDBYS = 100
const MAX_THREADS = 256

/**
 * Checks every option and fills in the defaults.
 *
 * @throws RevlogError `E_CONFIG` that lists all problems at once.
 */
export function settingsOf(topology: Topology, options: RunOptions): Settings {
  const problems = problemsOf(topology, options)
  if (problems.length > 0) {
    throw new RevlogError(
      'E_CONFIG',
      `the options of ${topology.name} are wrong:\n  - ${problems.join('\n  - ')}`,
      {
        remedy: `the options are ${Object.keys(CHECKS).join(', ')}`,
      },
    )
  }
  const { partitions = 1, startFrom = 'earliest', offsetReset = 'none' } = options
  return Object.freeze({
    directory: options.directory ?? `.revlog/${topology.name}`,
    startFrom: startFrom instanceof Date ? startFrom.getTime() : startFrom,
    offsetReset,
    errors: Object.freeze({ ...FAIL_ON_ERROR, ...options.onError }),
    maxTaskIdleMs: options.maxTaskIdle ?? 0,
    commitIntervalMs: options.commitInterval ?? milliseconds(options.brokers === undefined ? 20 : 100),
    partitionsOf: (topic: string) => (typeof partitions === 'number' ? partitions : (partitions[topic] ?? 1)),
    generation: options.generation ?? 0,
    sourceHeaders: options.sourceHeaders ?? false,
    kafka: kafkaSettings(topology, options),
    signal: options.signal,
    onEvent: options.onEvent ?? (() => {}),
  })
}

function kafkaSettings(topology: Topology, options: RunOptions): KafkaSettings | undefined {
  const { brokers, ssl, sasl } = options
  if (brokers === undefined) return undefined
  return {
    client: {
      brokers: addressesOf(brokers),
      clientId: options.clientId ?? topology.name,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
    },
    exactlyOnce: options.processingGuarantee === 'exactly_once',
    member: options.member,
    standbyReplicas: options.standbyReplicas ?? 0,
    threads: options.threads ?? 1,
    instanceId: options.instanceId,
    sessionTimeoutMs: options.sessionTimeout ?? seconds(10),
    shutdownTimeoutMs: options.shutdownTimeout ?? seconds(30),
  }
}

export const addressesOf = (brokers: string | readonly string[]): readonly string[] =>
  (typeof brokers === 'string' ? brokers.split(',') : brokers).map((address) => address.trim())

export const OFFSET_RESETS = ['none', 'earliest', 'latest'] as const
export type OffsetReset = (typeof OFFSET_RESETS)[number]

type Check = (value: any, topology: Topology) => readonly string[]

const one = (ok: boolean, problem: string): readonly string[] => (ok ? [] : [problem])
const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))
const isMs = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

const CHECKS: { readonly [name in keyof Required<RunOptions>]: Check } = {
  directory: (v) => one(typeof v === 'string' && v !== '', `directory is ${shown(v)}: it must be a path`),
  startFrom: (v) =>
    one(
      v === 'earliest' || v === 'latest' || isMs(v) || (v instanceof Date && !Number.isNaN(v.getTime())),
      `startFrom is ${shown(v)}: it must be 'earliest', 'latest', a Date or milliseconds since the epoch`,
    ),
  offsetReset: (v) =>
    one(
      OFFSET_RESETS.includes(v),
      `offsetReset is ${shown(v)}: it must be one of ${OFFSET_RESETS.map(shown).join(', ')}`,
    ),
  onError: (v, topology) => errorProblems(v, topology),
  maxTaskIdle: (v) =>
    one(v === -1 || isMs(v), `maxTaskIdle is ${shown(v)}: it must be a duration such as seconds(1), or -1`),
  commitInterval: (v) =>
    one(
      isMs(v) && v <= seconds(60),
      `commitInterval is ${shown(v)}: it must be a duration of at most a minute, such as milliseconds(20)`,
    ),
  partitions: (v, topology) => partitionProblems(v, topology),
  generation: (v) =>
    one(
      Number.isInteger(v) && v >= 0 && v <= MAX_GENERATION,
      `generation is ${shown(v)}: it must be a whole number of 0 to ${MAX_GENERATION}`,
    ),
  sourceHeaders: (v) => one(typeof v === 'boolean', 'sourceHeaders must be true or false'),
  brokers: (v) =>
    one(
      (typeof v === 'string' || (Array.isArray(v) && v.every((a) => typeof a === 'string'))) &&
        addressesOf(v).every((address) => /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/.test(address)),
      `brokers is ${shown(v)}: it must be host:port, more of them separated by commas`,
    ),
  ssl: (v) =>
    one(typeof v === 'boolean' || (typeof v === 'object' && v !== null), 'ssl must be true or an object'),
  sasl: (v) =>
    one(typeof v === 'object' && v !== null && typeof v.mechanism === 'string', 'sasl must name a mechanism'),
  clientId: (v) => one(typeof v === 'string' && v !== '', `clientId is ${shown(v)}: it must be a name`),
  processingGuarantee: (v) =>
    one(
      v === 'at_least_once' || v === 'exactly_once',
      `processingGuarantee is ${shown(v)}: it must be 'at_least_once' or 'exactly_once'`,
    ),
  member: (v) =>
    one(
      Number.isInteger(v?.index) && Number.isInteger(v?.count) && v.index >= 0 && v.index < v.count,
      'member must be { index, count }, with index from 0 to count - 1',
    ),
  standbyReplicas: (v) =>
    one(
      Number.isInteger(v) && v >= 0 && v <= MAX_STANDBYS,
      `standbyReplicas is ${shown(v)}: it must be a whole number of 0 to ${MAX_STANDBYS}`,
    ),
  threads: (v) =>
    one(
      Number.isInteger(v) && v >= 1 && v <= MAX_THREADS,
      `threads is ${shown(v)}: it must be a whole number of 1 to ${MAX_THREADS}`,
    ),
  instanceId: (v) => one(typeof v === 'string' && v !== '', `instanceId is ${shown(v)}: it must be a name`),
  sessionTimeout: (v) =>
    one(
      isMs(v) && v >= seconds(1),
      `sessionTimeout is ${shown(v)}: it must be a duration of at least a second`,
    ),
  shutdownTimeout: (v) =>
    one(isMs(v), `shutdownTimeout is ${shown(v)}: it must be a duration such as seconds(30)`),
  signal: (v) =>
    one(
      typeof v === 'object' && v !== null && typeof v.addEventListener === 'function' && 'aborted' in v,
      'signal must be an AbortSignal',
    ),
  onEvent: (v) => one(typeof v === 'function', 'onEvent must be a function'),
}

function problemsOf(topology: Topology, options: RunOptions): readonly string[] {
  if (typeof options !== 'object' || options === null) return ['the options must be an object']
  const { brokers } = options
  const stray = brokers === undefined ? KAFKA_ONLY.filter((name) => options[name] !== undefined) : []
  const problems = stray.map((name) => `${name} is for Apache Kafka: give brokers too`)
  return problems.concat(
    Object.entries(options).flatMap(([name, value]) => {
      const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof RunOptions] : undefined
      if (check === undefined) return [`${name} is no option`]
      return value === undefined ? [] : check(value, topology)
    }),
  )
}

/** What would silently mean nothing without brokers. */
const KAFKA_ONLY = [
  'ssl',
  'sasl',
  'clientId',
  'member',
  'standbyReplicas',
  'instanceId',
  'sessionTimeout',
] as const

function errorProblems(value: unknown, topology: Topology): readonly string[] {
  if (typeof value !== 'object' || value === null) {
    return ["onError must be an object such as { deserialization: 'skip' }"]
  }
  const topic = (value as Partial<ErrorPolicies>).deadLetterTopic
  return Object.entries(value).flatMap(([name, policy]) => {
    if (policy === undefined) return []
    if (name === 'deadLetterTopic') return deadLetterProblems(policy, topology)
    if (!Object.hasOwn(FAIL_ON_ERROR, name)) return [`onError.${name} is no option`]
    if (!POLICIES.includes(policy as ErrorPolicy)) {
      return [`onError.${name} is ${shown(policy)}: it must be one of ${POLICIES.join(', ')}`]
    }
    return one(
      policy !== 'dead-letter' || topic !== undefined,
      `onError.${name} is 'dead-letter', which needs onError.deadLetterTopic`,
    )
  })
}

/** A dead letter that comes back as input would be dropped again, for ever. */
function deadLetterProblems(topic: unknown, topology: Topology): readonly string[] {
  if (typeof topic !== 'string' || !/^[A-Za-z0-9._-]{1,249}$/.test(topic)) {
    return [`onError.deadLetterTopic is ${shown(topic)}: it must be the name of a topic`]
  }
  return one(
    !namesOf(topology).includes(topic),
    `onError.deadLetterTopic is ${shown(topic)}, which the topology reads or writes itself`,
  )
}

function partitionProblems(value: unknown, topology: Topology): readonly string[] {
  const valid = (n: unknown): boolean =>
    Number.isInteger(n) && (n as number) >= 1 && (n as number) <= MAX_PARTITIONS
  if (typeof value === 'number') {
    return one(valid(value), `partitions is ${value}: it must be a whole number of 1 to ${MAX_PARTITIONS}`)
  }
  if (typeof value !== 'object' || value === null) return ['partitions must be a number, or numbers by topic']
  const known = namesOf(topology)
  return Object.entries(value).flatMap(([topic, n]) => [
    ...one(known.includes(topic), `partitions names ${topic}, which is no topic of ${topology.name}`),
    ...one(
      valid(n),
      `partitions of ${topic} is ${shown(n)}: it must be a whole number of 1 to ${MAX_PARTITIONS}`,
    ),
  ])
}

const namesOf = (topology: Topology): readonly string[] => [
  ...sourceTopicsOf(topology),
  ...sinkTopicsOf(topology),
  ...topology.nodes.flatMap((n) =>
    n.kind === 'repartition' ? [repartitionTopic(topology.name, n.name)] : [],
  ),
]
