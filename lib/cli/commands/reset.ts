import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RevlogError } from '../../core/errors.js'
import { describeMember, planReset, type ResetPlan, reset as resetNow } from '../../service/kafka/reset.js'
import { loadTopology } from '../../service/topology-file.js'
import { usageError } from '../arguments.js'
import { askYes } from '../ask.js'
import type { Command, Context } from '../command.js'
import { brokersOf, KAFKA_OPTIONS, requiredKafka } from '../kafka-options.js'
import { withKafka } from '../log-place.js'
import { directoryOf } from '../places.js'
import { plural } from '../progress.js'

/** `revlog reset`: an application on Kafka becomes one that has never run. */
export const reset: Command = {
  name: 'reset',
  operands: 'FILE',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Makes an application on Kafka start anew',
  description: [
    'Deletes what an application keeps: its internal topics (changelogs, repartition topics), the offsets of its group, and its state on this machine. Its source and sink topics stay as they are. The next run reads its sources again from where --start-from says.',
    'First it prints what it would do. It does it when it is told so, on a terminal or by --yes. State on other machines has to be deleted there, by the same command; a member that still has some is told so when it starts. What was interrupted is done again by another reset; until then the application does not start.',
  ],
  options: {
    ...KAFKA_OPTIONS,
    dir: { type: 'string', value: 'DIR', help: 'The folder of the state. Default .revlog/NAME' },
    'dry-run': { type: 'boolean', help: 'Print what it would do, and do nothing' },
    yes: { type: 'boolean', help: 'Do it without asking' },
    force: {
      type: 'boolean',
      help: 'Also when the group has members: takes them out of it. For members that are dead and whose session has not timed out yet',
    },
  },
  examples: [
    'revlog reset topology.ts --brokers localhost:9092 --dry-run',
    'revlog reset topology.ts --brokers localhost:9092 --yes',
  ],
  async run(args, context) {
    if (args.flag('dry-run') && args.flag('yes')) {
      throw usageError('reset', '--dry-run does nothing, --yes does it', 'choose one of them')
    }
    const topology = await loadTopology(args.positionals[0]!)
    const directory = args.text('dir') ?? directoryOf(topology)
    const here = existsSync(join(directory, 'data.mdb'))
    if (here && brokersOf(args, process.env) === undefined) throw embedded(directory)
    const options = requiredKafka('reset', args, process.env)
    const { screen } = context
    await withKafka(options, async (kafka) => {
      const plan = await planReset(topology, { ...options, directory }, kafka)
      for (const line of describePlan(plan)) await screen.result(line)
      if (args.flag('dry-run')) return
      await screen.flush()
      if (!args.flag('yes') && !(await agreed(context))) {
        screen.say('nothing was done')
        return
      }
      await resetNow(plan, kafka, { force: args.flag('force'), onDone: screen.say })
    })
  },
}

function describePlan(plan: ResetPlan): readonly string[] {
  const { application, members, offsets, topics, strangers, directory, tasks } = plan
  const group =
    members.length === 0
      ? []
      : [`  group ${application} has active members: ${members.map(describeMember).join(', ')}`]
  const things = [
    ...topics.map((topic) => `  delete topic ${topic}`),
    ...(tasks.length === 0
      ? []
      : [`  delete the state of ${plural(tasks.length, 'task')} in ${directory}: ${tasks.join(', ')}`]),
    ...offsets.map(({ topic, partition, offset }) => `  forget offset ${offset} of ${topic}/${partition}`),
  ]
  return [
    `reset ${application}:`,
    ...group,
    ...(things.length === 0 ? ['  nothing is left of an earlier run'] : things),
    ...strangers.map(
      (topic) => `  leave topic ${topic}: it looks like one of ${application}, which has no such topic now`,
    ),
  ]
}

/** @throws RevlogError `E_USAGE` where nobody can be asked */
async function agreed({ stop }: Context): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw usageError('reset', 'there is no terminal to ask on', 'add --yes to do it, or --dry-run to look')
  }
  return askYes('Do this? (yes/no) ', process.stdin, process.stderr, stop)
}

/** What a reset would leave there is in one file with what it would delete. */
const embedded = (directory: string): RevlogError =>
  new RevlogError(
    'E_RESET_EMBEDDED',
    `${directory} is a folder in which everything ran on this machine: its inputs, state and answers are in one file, and a reset on Apache Kafka leaves the first and the last`,
    {
      remedy: `to read its topics again from the beginning, run the topology under another name with --dir ${directory}; to begin with nothing, delete the folder while nothing runs on it; to reset the application on Kafka, add --brokers host:port`,
    },
  )
