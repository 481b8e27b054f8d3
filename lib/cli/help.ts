import type { Command, Option } from './command.js'

const WIDTH = 80

/** `revlog --help` */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((c) => `${c.name} ${c.operands}`.length))
  return [
    'revlog: Kafka Streams-style topologies for Node.js, with joins that correct',
    'themselves.',
    '',
    'Usage: revlog COMMAND …',
    '',
    ...commands.map((c) => `  ${`${c.name} ${c.operands}`.padEnd(width)}  ${c.summary}`),
    '',
    '  revlog COMMAND --help    what a command does, its options, examples',
    '  revlog --version         the version',
    '',
    'Results go to standard output, everything else to standard error.',
    'Exit codes: 0 done (also after SIGINT and SIGTERM), 1 failed, 2 wrong usage.',
  ].join('\n')
}

/** `revlog COMMAND --help` */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options)
  const left = options.map(([name, option]) => optionUsage(name, option))
  const width = Math.max(...left.map((text) => text.length))
  return [
    `Usage: revlog ${command.name} ${command.operands} [options]`,
    '',
    ...wrapped(`${command.summary}.`, 0),
    ...command.description.flatMap((paragraph) => ['', ...wrapped(paragraph, 0)]),
    '',
    'Options:',
    ...options.flatMap(([, option], i) => {
      const [first = '', ...rest] = wrapped(option.help, width + 4)
      return [`  ${left[i]!.padEnd(width)}  ${first.trimStart()}`, ...rest]
    }),
    '',
    'Examples:',
    ...command.examples.map((line) => `  ${line}`),
  ].join('\n')
}

const optionUsage = (name: string, { type, value, multiple }: Option): string =>
  `--${name}${type === 'string' ? ` ${value ?? name.toUpperCase()}` : ''}${multiple === true ? ' …' : ''}`

function wrapped(text: string, indent: number): readonly string[] {
  const lines: string[] = []
  let line = ' '.repeat(indent)
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ' '.repeat(indent)
    }
    line += line.trim() === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
