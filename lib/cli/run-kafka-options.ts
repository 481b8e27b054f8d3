import type { OpenKafkaBroker } from '../brokers/kafka/broker.js'
import type { RunOptions } from '../service/options.js'
import { choice, usageError, wholeNumber } from './arguments.js'
import type { Arguments, Option } from './command.js'
import { brokersOf, type Environment, KAFKA_OPTIONS, kafkaOptions, requiredBrokers } from './kafka-options.js'
import { lengthOfTime } from './length-of-time.js'

const GUARANTEES = ['at_least_once', 'exactly_once'] as const

/** What only a member of a group can be told. */
const MEMBER_OPTIONS = {
  guarantee: {
    type: 'string',
    value: GUARANTEES.join('|'),
    help: 'On Kafka: at_least_once (default) may repeat answers after a crash, with the same revisions; exactly_once writes in transactions',
  },
  member: {
    type: 'string',
    value: 'I/N',
    help: 'On Kafka: a fixed place, member I of N, from 1 to N, instead of a group that moves tasks',
  },
  'instance-id': {
    type: 'string',
    value: 'NAME',
    help: 'On Kafka: keeps the tasks of a member that comes back under this name within the session timeout',
  },
  threads: {
    type: 'string',
    value: 'N',
    help: 'On Kafka: so many threads run tasks, each with its own copy of the topology; 1 by default',
  },
  'standby-replicas': {
    type: 'string',
    value: 'N',
    help: 'On Kafka: on how many other members each task with state has a warm copy; 0 by default',
  },
  'session-timeout': {
    type: 'string',
    value: 'DURATION',
    help: 'On Kafka: after so long without a sign of life others get the tasks; 10s by default',
  },
  'shutdown-timeout': {
    type: 'string',
    value: 'DURATION',
    help: 'On Kafka: how long stopping may take before what is not committed is given up, to be processed again; 30s by default',
  },
} as const satisfies { readonly [name: string]: Option }

export const RUN_KAFKA_OPTIONS: { readonly [name: string]: Option } = { ...KAFKA_OPTIONS, ...MEMBER_OPTIONS }

export interface RunOnKafka {
  readonly kafka: OpenKafkaBroker
  readonly options: Omit<RunOptions, 'brokers'>
}

/**
 * The options of a run on Kafka; `undefined` for a run on the embedded broker.
 *
 * @throws RevlogError `E_USAGE`, also for what means nothing without brokers; `E_CONFIG`
 */
export function runKafkaOptions(args: Arguments, env: Environment): RunOnKafka | undefined {
  const addresses = brokersOf(args, env)
  if (addresses === undefined) {
    const stray = Object.keys(RUN_KAFKA_OPTIONS).find((name) => args.text(name) !== undefined)
    if (stray === undefined) return undefined
    throw usageError('run', `--${stray} is for Apache Kafka`, 'add --brokers host:port')
  }
  if (args.list('partitions').length > 0) {
    throw usageError(
      'run',
      '--partitions makes topics, which a run does only in its own folder: others use those of Kafka',
      'leave it out, and make the topics before: revlog produce TOPIC --partitions N, or kafka-topics.sh --create',
    )
  }
  return memberOptions('run', addresses, args, env)
}

/** The same for a command that looks at such a run. @throws RevlogError `E_USAGE`, `E_CONFIG` */
export function requiredRunOnKafka(command: string, args: Arguments, env: Environment): RunOnKafka {
  return memberOptions(command, requiredBrokers(command, args, env), args, env)
}

function memberOptions(command: string, addresses: string, args: Arguments, env: Environment): RunOnKafka {
  const guarantee = choice(command, 'guarantee', args.text('guarantee'), GUARANTEES)
  const member = memberOf(command, args.text('member'))
  const instanceId = args.text('instance-id')
  const threads = wholeNumber(command, 'threads', args.text('threads'), 1)
  const standbyReplicas = wholeNumber(command, 'standby-replicas', args.text('standby-replicas'), 0)
  const sessionTimeout = lengthOfTime(command, 'session-timeout', args.text('session-timeout'))
  const shutdownTimeout = lengthOfTime(command, 'shutdown-timeout', args.text('shutdown-timeout'))
  return {
    kafka: kafkaOptions(command, addresses, args, env),
    options: {
      ...(guarantee === undefined ? {} : { processingGuarantee: guarantee }),
      ...(member === undefined ? {} : { member }),
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(threads === undefined ? {} : { threads }),
      ...(standbyReplicas === undefined ? {} : { standbyReplicas }),
      ...(sessionTimeout === undefined ? {} : { sessionTimeout }),
      ...(shutdownTimeout === undefined ? {} : { shutdownTimeout }),
    },
  }
}

/** People count from one. */
function memberOf(command: string, word: string | undefined): RunOptions['member'] {
  if (word === undefined) return undefined
  const [, i, n] = /^([1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(word) ?? []
  if (i !== undefined && Number(i) <= Number(n)) return { index: Number(i) - 1, count: Number(n) }
  throw usageError(
    command,
    `--member ${word} is no place in a group`,
    'write 1/3, 2/3 and 3/3 for three members',
  )
}
