import { loadTopology } from '../../service/topology-file.js'
import { usageError } from '../arguments.js'
import type { Command } from '../command.js'
import { followTopic, printRecords } from '../follow.js'
import { PLACE_OPTIONS, placeFor, placeToRead, withBroker } from '../log-place.js'
import { printTable } from '../table.js'
import { checkTopic, topicNamed } from '../topic-access.js'

/** `revlog consume`: the records of a topic, or the table that it stands for, as JSON lines. */
export const consume: Command = {
  name: 'consume',
  operands: 'TOPIC',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Prints the records of a topic, or its last revisions',
  description: [
    'One JSON line a record: key, value (null is a tombstone), timestamp, and of a revision log the revision ("12.47": left offset, right position), asOf, cause, final, late; then headers, partition and offset. Partition after partition, each in the order of its offsets.',
    'Without --follow it prints what is there and ends. With it, it prints what arrives from now on, or with --from-beginning everything, until it is stopped.',
    '--table prints one line for each key that has a value, sorted by key: of several records the one with the greatest revision, or where there are no revisions the last.',
  ],
  options: {
    table: { type: 'boolean', help: 'Print the table of last revisions' },
    follow: { type: 'boolean', help: 'Go on with what arrives' },
    'from-beginning': { type: 'boolean', help: 'With --follow: begin with the first record' },
    ...PLACE_OPTIONS,
    topology: {
      type: 'string',
      value: 'FILE',
      help: 'The file of a topology that has this topic: its serdes read it; else keys are taken for text and values for JSON',
    },
  },
  examples: [
    'revlog consume advice --table',
    'revlog consume advice --follow --from-beginning',
    'revlog consume advice --topology topology.ts | head -3',
    'revlog consume advice --brokers localhost:9092 --table',
  ],
  async run(args, context) {
    const name = args.positionals[0]!
    const follow = args.flag('follow')
    if (args.flag('table') && follow) {
      throw usageError(
        'consume',
        '--table prints a table and ends, --follow does not end',
        'choose one of them',
      )
    }
    const file = args.text('topology')
    const topology = file === undefined ? undefined : await loadTopology(file)
    const place = placeToRead(placeFor('consume', args, topology))
    const topic = topicNamed(name, topology)
    const positions = await withBroker(place, async (broker) => {
      await checkTopic(broker, name)
      const ends = await broker.endOffsets(name)
      if (follow && !args.flag('from-beginning')) return [...ends]
      if (args.flag('table')) await printTable(broker, topic, context)
      else
        return printRecords(
          broker,
          topic,
          ends.map(() => 0),
          ends,
          context,
        )
      return []
    })
    if (follow) await followTopic(place, topic, positions, context)
  },
}
