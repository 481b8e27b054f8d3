import { loadTopology } from '../../service/topology-file.js'
import { type DescriptionFormat, describe } from '../../topology/describe.js'
import { choice } from '../arguments.js'
import type { Command } from '../command.js'

const FORMATS: readonly DescriptionFormat[] = ['text', 'mermaid', 'json']

/** `revlog topology`: what a file says, as a picture. */
export const printTopology: Command = {
  name: 'topology',
  operands: 'FILE',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Prints the topology that a file exports',
  description: [
    'Text is in the format of Kafka Streams, so its viewers take it; Mermaid is drawn by many editors and wikis.',
  ],
  options: {
    format: { type: 'string', value: FORMATS.join('|'), help: 'text by default' },
  },
  examples: ['revlog topology topology.ts', 'revlog topology topology.ts --format mermaid'],
  async run(args, { screen }) {
    const format = choice('topology', 'format', args.text('format'), FORMATS) ?? 'text'
    const topology = await loadTopology(args.positionals[0]!)
    await screen.result(describe(topology, format).trimEnd())
  },
}
