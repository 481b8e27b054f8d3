import { RevlogError } from '../../core/errors.js'
import { type Check, failed } from '../../service/doctor/check.js'
import { examine } from '../../service/doctor/doctor.js'
import { loadTopology } from '../../service/topology-file.js'
import type { Command } from '../command.js'
import { withKafka } from '../log-place.js'
import { directoryOf } from '../places.js'
import { plural } from '../progress.js'
import { RUN_KAFKA_OPTIONS, requiredRunOnKafka } from '../run-kafka-options.js'

/** `revlog doctor`: what keeps an application from running on Kafka, or will. */
export const doctor: Command = {
  name: 'doctor',
  operands: 'FILE',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Looks for what is wrong with an application on Kafka',
  description: [
    'Connection, versions, topics (existence, partitions, compaction, retention against the grace period), internal topics, permissions, clock, group and lag, and the folder of the state. One line for each, with what to do about it. It changes nothing, and may be used while the application runs.',
    'Exit code 1 when there is an error.',
  ],
  options: {
    ...RUN_KAFKA_OPTIONS,
    dir: { type: 'string', value: 'DIR', help: 'The folder of the state. Default .revlog/NAME' },
    json: { type: 'boolean', help: 'One JSON line for each' },
  },
  examples: ['revlog doctor topology.ts --brokers localhost:9092', 'revlog doctor topology.ts --json'],
  async run(args, { screen }) {
    const { kafka: options, options: more } = requiredRunOnKafka('doctor', args, process.env)
    const topology = await loadTopology(args.positionals[0]!)
    const directory = args.text('dir') ?? directoryOf(topology)
    const checks = await withKafka(options, (kafka) =>
      examine(topology, { ...options, ...more, directory }, kafka),
    ).catch((thrown: unknown): readonly Check[] => {
      if (thrown instanceof RevlogError) return [failed('connection', thrown)]
      throw thrown
    })
    for (const check of checks) await screen.result(args.flag('json') ? JSON.stringify(check) : asText(check))
    const errors = checks.filter(({ severity }) => severity === 'error').length
    if (errors > 0) {
      await screen.flush()
      throw new RevlogError('E_DOCTOR', `${topology.name} has ${plural(errors, 'error')}`, {
        remedy: 'see above what to do about each',
      })
    }
  },
}

function asText({ area, severity, said, code, remedy }: Check): string {
  const mark = severity === 'ok' ? 'OK' : severity
  const problem = code === undefined ? said : `${code}: ${said}`
  const todo = remedy === undefined ? '' : `\n${' '.repeat(10)}remedy: ${remedy}`
  return `${mark.padEnd(8)}  ${area}: ${problem}${todo}`
}
