import { ensureTopics } from '../../service/ensure-topics.js'
import { run as start } from '../../service/run.js'
import type { Service } from '../../service/service.js'
import type { Topology } from '../../topology/topology.js'
import type { Command, Context } from '../command.js'
import { sayEvents } from '../events.js'
import { feedFile } from '../feed-file.js'
import { directoryOf, inTemporaryFolder } from '../places.js'
import { RUN_OPTIONS, type RunRequest, runRequest } from '../run-options.js'
import { processForEver, processToTheEnd, sayReport } from '../run-progress.js'
import { printTable } from '../table.js'
import { topicNamed, withOwnBroker } from '../topic-access.js'
import { loadTopology } from '../topology-file.js'

/** `revlog run`: runs a topology, over files to their end or as a service. */
export const run: Command = {
  name: 'run',
  operands: 'FILE',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Runs the topology that a file exports',
  description: [
    'Without --from it is a service: it takes what `revlog produce` writes to its folder, keeps its state there, and runs until SIGINT or SIGTERM. Whatever happens to it, each record has been processed exactly once.',
    'With --from it runs over files, as one command: CSV with a header row, TSV or JSON lines, plain or gzip. Each file is one topic in the order of its rows; records of several topics are taken in the order of their event time. `revlog produce --help` says how a row becomes a record. It ends when everything is processed.',
  ],
  options: RUN_OPTIONS,
  examples: [
    'revlog run topology.ts',
    'revlog run topology.ts --from moods=moods.csv \\',
    '           --from recommendations=recs.jsonl --table advice',
    'zcat orders.gz | revlog run totals.ts --from orders=- --table totals',
  ],
  async run(args, context) {
    const request = runRequest(args)
    const topology = await loadTopology(args.positionals[0]!)
    // What is misspelt is told before anything is written.
    for (const { topic } of request.feeds) topicNamed(topic, topology)
    if (request.table !== undefined) topicNamed(request.table, topology)
    const { directory, feeds } = request
    if (directory !== undefined || feeds.length === 0) {
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
  if (request.feeds.length > 0) await feedAll(directory, topology, request, context)
  if (stop.aborted) return
  const service = await start(topology, {
    ...request.options,
    directory,
    signal: stop,
    onEvent: sayEvents(screen),
  })
  if (request.untilEnd) await runToTheEnd(service, topology, request, context)
  else {
    screen.say(`${topology.name} runs in ${directory}; Ctrl-C stops it`)
    await processForEver(service, screen)
    sayReport(service, screen)
  }
}

/** All files are in the log before the first record is processed: so inputs are merged by event time. */
async function feedAll(
  directory: string,
  topology: Topology,
  { feeds, options: { partitions }, ...request }: RunRequest,
  { screen, stop }: Context,
): Promise<void> {
  await withOwnBroker(directory, async (broker) => {
    await ensureTopics(broker, topology, partitions === undefined ? {} : { partitions })
    for (const { topic, ...feed } of feeds) {
      if (stop.aborted) return
      await feedFile({ ...request, ...feed, broker, topic: topicNamed(topic, topology), screen, stop })
    }
  })
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
