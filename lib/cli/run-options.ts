import type { OpenKafkaBroker } from '../brokers/kafka/broker.js'
import type { Duration } from '../core/duration.js'
import { OFFSET_RESETS, type RunOptions, type StartFrom } from '../service/options.js'
import { choice, pairOf, usageError, wholeNumber } from './arguments.js'
import type { Arguments, Option } from './command.js'
import { lengthOfTime } from './length-of-time.js'
import { ROW_OPTIONS, rowFormat } from './row-options.js'
import type { RowOptions } from './rows/open.js'
import { timeOf } from './rows/time.js'
import { RUN_KAFKA_OPTIONS, runKafkaOptions } from './run-kafka-options.js'

export const RUN_OPTIONS: { readonly [name: string]: Option } = {
  from: {
    type: 'string',
    multiple: true,
    value: 'TOPIC=FILE',
    help: 'Write the rows of a file to a topic first ("-" is standard input), process everything, and end. Once for each file',
  },
  table: {
    type: 'string',
    value: 'TOPIC',
    help: 'Print the table of last revisions of a topic at the end, as JSON lines',
  },
  'until-end': { type: 'boolean', help: 'End when all that is there is processed; --from implies it' },
  follow: { type: 'boolean', help: 'With --from: do not end, go on with what arrives' },
  dir: {
    type: 'string',
    value: 'DIR',
    help: 'The folder of topics and state, on Kafka of the state alone. Default .revlog/NAME, after the topology; with --from a temporary one, unless it is on Kafka',
  },
  key: {
    type: 'string',
    multiple: true,
    value: 'TOPIC=FIELD',
    help: 'The field that is the key of the rows of a topic',
  },
  time: {
    type: 'string',
    multiple: true,
    value: 'TOPIC=FIELD',
    help: 'The field that is their event time, where the topic does not say: milliseconds, or ISO 8601 with its zone',
  },
  ...ROW_OPTIONS,
  'start-from': {
    type: 'string',
    value: 'earliest|latest|TIME',
    help: 'Where a topic that was never read is begun; earliest by default',
  },
  'offset-reset': {
    type: 'string',
    value: 'none|earliest|latest',
    help: 'When records of a topic were deleted before they were read: stop (default), or skip them and say which',
  },
  partitions: {
    type: 'string',
    multiple: true,
    value: 'N|TOPIC=N',
    help: 'Partitions of topics that do not exist yet; 1 by default',
  },
  'on-error': {
    type: 'string',
    value: 'fail|skip|dead-letter',
    help: 'What a bad record does: end the run (default), be counted, or be counted and go to the topic of --dead-letter. A bad row of a file is no record yet: it ends the run or is counted',
  },
  'dead-letter': { type: 'string', value: 'TOPIC', help: 'Where bad and dropped records go' },
  'max-task-idle': {
    type: 'string',
    value: 'DURATION',
    help: 'How long an input that is read to its end is waited for (500ms, 2s; -1 never waits); 0 by default',
  },
  'commit-interval': {
    type: 'string',
    value: 'DURATION',
    help: 'The longest wait for a commit; 20ms by default, on Kafka 100ms',
  },
  ...RUN_KAFKA_OPTIONS,
}

/** A file that is written to a topic before the topology runs. */
export interface Feed {
  readonly topic: string
  readonly path: string
  readonly keyField: string | undefined
  readonly timeField: string | undefined
}

/** What `revlog run` was asked for. */
export interface RunRequest extends Pick<RowOptions, 'format' | 'csvText'> {
  /** Exports the topology. */
  readonly file: string
  readonly feeds: readonly Feed[]
  readonly table: string | undefined
  readonly directory: string | undefined
  /** On Apache Kafka, and not in a folder. */
  readonly kafka: OpenKafkaBroker | undefined
  /** End when everything that is there is processed. */
  readonly untilEnd: boolean
  readonly onBadRow: 'fail' | 'skip'
  readonly options: RunOptions
}

const POLICIES = ['fail', 'skip', 'dead-letter'] as const

/** @throws RevlogError `E_USAGE` */
export function runRequest(args: Arguments): RunRequest {
  const feeds = feedsOf(args)
  if (args.flag('follow') && feeds.length === 0) {
    throw usageError('run', '--follow goes with --from', 'without --from a run goes on by itself')
  }
  const untilEnd = args.flag('until-end') || (feeds.length > 0 && !args.flag('follow'))
  const table = args.text('table')
  if (table !== undefined && !untilEnd) {
    throw usageError('run', '--table prints at the end, and this run has none', 'add --until-end or --from')
  }
  const onKafka = runKafkaOptions(args, process.env)
  const deadLetterTopic = args.text('dead-letter')
  const policy = choice('run', 'on-error', args.text('on-error'), POLICIES)
  if (policy === 'dead-letter' && deadLetterTopic === undefined) {
    throw usageError('run', '--on-error dead-letter needs --dead-letter TOPIC')
  }
  return {
    file: args.positionals[0]!,
    feeds,
    ...rowFormat('run', args),
    table,
    directory: args.text('dir'),
    kafka: onKafka?.kafka,
    untilEnd,
    onBadRow: (policy ?? 'fail') === 'fail' ? 'fail' : 'skip',
    options: {
      ...given('startFrom', startFrom(args.text('start-from'))),
      ...given('offsetReset', choice('run', 'offset-reset', args.text('offset-reset'), OFFSET_RESETS)),
      ...given('partitions', partitions(args.list('partitions'))),
      ...given('maxTaskIdle', idle(args.text('max-task-idle'))),
      ...given('commitInterval', lengthOfTime('run', 'commit-interval', args.text('commit-interval'))),
      onError: {
        ...(policy === undefined ? {} : { deserialization: policy, processing: policy, timestamp: policy }),
        ...given('deadLetterTopic', deadLetterTopic),
      },
      ...onKafka?.kafka,
      ...onKafka?.options,
    },
  }
}

const given = <Name extends string, T>(name: Name, value: T | undefined): { readonly [name in Name]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: T }

function feedsOf(args: Arguments): readonly Feed[] {
  const pairs = args.list('from').map((word) => pairOf('run', 'from', word))
  if (pairs.filter(([, path]) => path === '-').length > 1) {
    throw usageError('run', 'standard input can be read once', 'name a file for all topics but one')
  }
  const fields = (option: string): ReadonlyMap<string, string> => {
    const named = new Map(args.list(option).map((word) => pairOf('run', option, word)))
    const stray = [...named.keys()].find((topic) => !pairs.some(([name]) => name === topic))
    if (stray !== undefined)
      throw usageError('run', `--${option} names ${stray}, for which there is no --from`)
    return named
  }
  const keys = fields('key')
  const times = fields('time')
  return pairs.map(([topic, path]) => ({
    topic,
    path,
    keyField: keys.get(topic),
    timeField: times.get(topic),
  }))
}

function startFrom(word: string | undefined): StartFrom | undefined {
  if (word === undefined || word === 'earliest' || word === 'latest') return word
  try {
    return timeOf(/^\d+$/.test(word) ? Number(word) : word, '--start-from')
  } catch {
    throw usageError(
      'run',
      `--start-from cannot be ${word}`,
      'write earliest, latest, or a time: 2026-01-31T12:00:00Z',
    )
  }
}

function partitions(words: readonly string[]): number | { readonly [topic: string]: number } | undefined {
  const [first] = words
  if (first === undefined) return undefined
  if (words.length === 1 && !first.includes('=')) return wholeNumber('run', 'partitions', first, 1)
  return Object.fromEntries(
    words.map((word) => {
      const [topic, n] = pairOf('run', 'partitions', word)
      return [topic, wholeNumber('run', 'partitions', n, 1)!]
    }),
  )
}

/** `-1` is never. */
const idle = (word: string | undefined): Duration | -1 | undefined =>
  word === '-1' ? -1 : lengthOfTime('run', 'max-task-idle', word)
