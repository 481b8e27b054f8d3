import { loadTopology } from '../../service/topology-file.js'
import { choice, wholeNumber } from '../arguments.js'
import type { Command } from '../command.js'
import { feedFile } from '../feed-file.js'
import { PLACE_OPTIONS, placeFor, withBroker } from '../log-place.js'
import { ON_ROW_ERROR, ROW_OPTIONS, rowFormat } from '../row-options.js'
import { ensureTopic, topicNamed } from '../topic-access.js'

/** `revlog produce`: the rows of a file or of standard input become records of a topic. */
export const produce: Command = {
  name: 'produce',
  operands: 'TOPIC [FILE]',
  minOperands: 1,
  maxOperands: 2,
  summary: 'Writes the rows of a file or of a pipe to a topic',
  description: [
    'Reads CSV with a header row, TSV or JSON lines, plain or gzip. Ends when everything is on the disk, or on Kafka acknowledged by all in-sync replicas. A process that runs a topology over the same folder takes the records at once.',
    'A JSON line {"key": …, "value": …}, with "timestamp" and "headers" if need be, is a record, and so is a line that consume prints; any other line or row is a value. The key of a value is the field that --key names, else what the topic says (keyOf), else the field "key".',
    'A CSV cell that is a JSON number is a number, any other cell is text. Values are checked by the topic of --topology; without it they become JSON as they are, and keys text.',
  ],
  options: {
    ...PLACE_OPTIONS,
    topology: { type: 'string', value: 'FILE', help: 'The file of a topology that has this topic' },
    key: { type: 'string', value: 'FIELD', help: 'The field that is the key' },
    time: {
      type: 'string',
      value: 'FIELD',
      help: 'The field that is the event time, where the topic does not say: milliseconds, or ISO 8601 with its zone. Without any it is the time of writing',
    },
    partitions: {
      type: 'string',
      value: 'N',
      help: 'Partitions of a topic that is made now; 1 by default. On Kafka a topic is made only with this',
    },
    'on-error': {
      type: 'string',
      value: ON_ROW_ERROR.join('|'),
      help: 'What a bad row does: end the command (default), or be counted',
    },
    ...ROW_OPTIONS,
  },
  examples: [
    'revlog produce moods moods.csv --topology topology.ts',
    'revlog produce moods --dir .revlog/consultants --key consultant < moods.jsonl',
    'tail -f moods.jsonl | revlog produce moods',
    'revlog produce moods moods.csv --brokers localhost:9092 --partitions 4',
  ],
  async run(args, { screen, stop }) {
    const [name = '', path = '-'] = args.positionals
    const file = args.text('topology')
    const topology = file === undefined ? undefined : await loadTopology(file)
    const topic = topicNamed(name, topology)
    const place = placeFor('produce', args, topology)
    const partitions = wholeNumber('produce', 'partitions', args.text('partitions'), 1)
    const onBadRow = choice('produce', 'on-error', args.text('on-error'), ON_ROW_ERROR) ?? 'fail'
    const format = rowFormat('produce', args)
    await withBroker(place, async (broker) => {
      await ensureTopic(broker, place, topic, topology, partitions)
      const fields = { keyField: args.text('key'), timeField: args.text('time') }
      await feedFile({ broker, topic, path, ...format, ...fields, onBadRow, screen, stop })
    })
  },
}
