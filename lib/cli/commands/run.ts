import type { OpenKafkaBroker } from '../../brokers/kafka/broker.js'
import { topicCommands } from '../../brokers/kafka/topic-commands.js'
import { requireTopics } from '../../brokers/kafka/topics.js'
import type { Broker } from '../../brokers/port.js'
import { ensureTopics } from '../../service/ensure-topics.js'
import { applicationTopics } from '../../service/kafka/application-topics.js'
import { settingsOf } from '../../service/options.js'
import { run as start } from '../../service/run.js'
import type { Service } from '../../service/service.js'
import { loadTopology } from '../../service/topology-file.js'
import type { Topology } from '../../topology/topology.js'
import type { Command, Context } from '../command.js'
import { sayEvents } from '../events.js'
import { feedFile } from '../feed-file.js'
import { withKafka } from '../log-place.js'
import { directoryOf, inTemporaryFolder } from '../places.js'
import { RUN_OPTIONS, type RunRequest, runRequest } from '../run-options.js'
import { processForEver, processToTheEnd, sayReport } from '../run-progress.js'
import { printTable } from '../table.js'
import { topicNamed, withOwnBroker } from '../topic-access.js'

/** `revlog run`: runs a topology, over files to their end or as a service. */
export const run: Command = {
  name: 'run',
  operands: 'FILE',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Runs the topology that a file exports',
  description: [
    'Without --from it is a service: it takes what `revlog produce` writes to its folder, keeps its state there, and runs until SIGINT or SIGTERM. Whatever happens to it, each record has been processed exactly once.',
    'With --brokers it is a member of its group on Apache Kafka: start it on as many machines as there are partitions. State is in its folder and in changelog topics, so that nothing is lost with a machine. Source and sink topics must be there; see docs/kafka.md.',
    'With --from it runs over files, as one command: CSV with a header row, TSV or JSON lines, plain or gzip. Each file is one topic in the order of its rows; records of several topics are taken in the order of their event time. `revlog produce --help` says how a row becomes a record. It ends when everything is processed.',
  ],
  options: RUN_OPTIONS,
  examples: [
    'revlog run topology.ts',
    'revlog run topology.ts --from moods=moods.csv \\',
    '           --from recommendations=recs.jsonl --table advice',
    'revlog run topology.ts --brokers localhost:9092 --guarantee exactly_once',
    'zcat orders.gz | revlog run totals.ts --from orders=- --table totals',
  ],
  async run(args, context) {
    const request = runRequest(args)
    const topology = await loadTopology(request.file)
    // What is misspelt is told before anything is written.
    for (const { topic } of request.feeds) topicNamed(topic, topology)
    if (request.table !== undefined) topicNamed(request.table, topology)
    const { directory, feeds, kafka } = request
    if (directory !== undefined || feeds.length === 0 || kafka !== undefined) {
      return runIn(directory ?? directoryOf(topology), topology, request, context)
    }
    await inTemporaryFolder((folder) => runIn(folder, topology, request, context))
  },
}

async function runIn(
  directory: string,
  topology: Topology,
  request: RunRequest,
  context: Context,
): Promise<void> {
  const { screen, stop } = context
  const { feeds, kafka } = request
  if (feeds.length > 0) {
    if (kafka === undefined) await feedFolder(directory, topology, request, context)
    else await feedKafka(kafka, topology, request, context)
  }
  if (stop.aborted) return
  const service = await start(request.options.threads === undefined ? topology : request.file, {
    ...request.options,
    directory,
    signal: stop,
    onEvent: sayEvents(screen),
  }).catch((thrown: unknown) => {
    if (!stop.aborted) throw thrown
    screen.say('stopped before it ran')
    return undefined
  })
  if (service === undefined) return
  if (request.untilEnd) await runToTheEnd(service, topology, request, context)
  else {
    const where =
      kafka === undefined ? directory : `on ${kafka.brokers.join(', ')} with its state in ${directory}`
    screen.say(`${topology.name} runs ${kafka === undefined ? 'in ' : ''}${where}; Ctrl-C stops it`)
    await processForEver(service, screen)
    sayReport(service, screen)
  }
}

/** All files are in the log before the first record is processed: so inputs are merged by event time. */
const feedFolder = (
  directory: string,
  topology: Topology,
  request: RunRequest,
  context: Context,
): Promise<void> =>
  withOwnBroker(directory, async (broker) => {
    const { partitions } = request.options
    await ensureTopics(broker, topology, partitions === undefined ? {} : { partitions })
    await feedAll(broker, topology, request, context)
  })

/** What would keep the run from starting is said before the files are in the topics, where a second try adds them again. */
const feedKafka = (
  kafka: OpenKafkaBroker,
  topology: Topology,
  request: RunRequest,
  context: Context,
): Promise<void> =>
  withKafka(kafka, async (broker) => {
    const { expected } = await applicationTopics(
      topology,
      settingsOf(topology, request.options),
      broker.admin,
    )
    await requireTopics(broker.admin, expected, topicCommands(kafka.brokers))
    await feedAll(broker, topology, request, context)
  })

async function feedAll(
  broker: Broker,
  topology: Topology,
  { feeds, options: _, ...request }: RunRequest,
  { screen, stop }: Context,
): Promise<void> {
  for (const { topic, ...feed } of feeds) {
    if (stop.aborted) return
    await feedFile({ ...request, ...feed, broker, topic: topicNamed(topic, topology), screen, stop })
  }
}

async function runToTheEnd(
  service: Service,
  topology: Topology,
  { table }: RunRequest,
  context: Context,
): Promise<void> {
  const { screen, stop } = context
  try {
    await processToTheEnd(service, screen)
    if (table !== undefined) await printTable(service.broker, topicNamed(table, topology), context)
    await screen.flush()
    sayReport(service, screen)
  } catch (thrown) {
    if (!stop.aborted) throw thrown
    screen.say('stopped before everything was processed; what is left is processed when it runs again')
  } finally {
    await service.stop()
  }
}
