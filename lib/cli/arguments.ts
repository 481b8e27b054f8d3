import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf, RevlogError } from '../core/errors.js'
import type { Arguments, Command } from './command.js'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

/** A mistake on the command line: exit code 2. */
export function usageError(command: string | undefined, problem: string, remedy?: string): RevlogError {
  const help = command === undefined ? 'revlog --help' : `revlog ${command} --help`
  return new RevlogError('E_USAGE', problem, {
    remedy: remedy === undefined ? `see ${help}` : `${remedy}; see ${help}`,
  })
}

/**
 * @throws RevlogError `E_USAGE` for an unknown option, an option without its value, too few or too many operands.
 */
export function parseArguments(command: Command, words: readonly string[]): Arguments {
  const config: OptionsConfig = {}
  for (const [name, { type, multiple = false }] of Object.entries(command.options)) {
    config[name] = { type, multiple }
  }
  const { values, positionals } = parsed(command, config, words)
  if (positionals.length < command.minOperands || positionals.length > command.maxOperands) {
    const problem =
      positionals.length < command.minOperands
        ? 'an argument is missing'
        : `there is an argument too many: ${positionals[command.maxOperands]}`
    throw usageError(command.name, problem, `write revlog ${command.name} ${command.operands}`)
  }
  return {
    positionals,
    text: (option) => values[option] as string | undefined,
    list: (option) => (values[option] as readonly string[] | undefined) ?? [],
    flag: (option) => values[option] === true,
  }
}

function parsed(command: Command, options: OptionsConfig, words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code
    const unknown = /Unknown option '-*([^']+)'/.exec(messageOf(thrown))?.[1]
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && unknown !== undefined) {
      const near = nearest(unknown, Object.keys(command.options))
      const dashes = unknown.length === 1 ? '-' : '--'
      throw usageError(
        command.name,
        `there is no option ${dashes}${unknown}`,
        near === undefined ? undefined : `did you mean --${near}?`,
      )
    }
    // Its first sentence says what is wrong; the rest explains parseArgs.
    throw usageError(
      command.name,
      messageOf(thrown)
        .split(/\.\s|\n/)[0]!
        .replace(/\.$/, ''),
    )
  }
}

/** `TOPIC=FILE`, cut at the first `=`. */
export function pairOf(command: string, option: string, word: string): readonly [string, string] {
  const at = word.indexOf('=')
  if (at <= 0 || at === word.length - 1) {
    throw usageError(command, `--${option} ${word} is no pair`, `write --${option} TOPIC=…`)
  }
  return [word.slice(0, at), word.slice(at + 1)]
}

export function wholeNumber(
  command: string,
  option: string,
  word: string | undefined,
  least: number,
): number | undefined {
  if (word === undefined) return undefined
  const value = Number(word)
  if (/^-?\d+$/.test(word) && Number.isSafeInteger(value) && value >= least) return value
  throw usageError(command, `--${option} ${word} is no whole number of ${least} or more`)
}

export function choice<T extends string>(
  command: string,
  option: string,
  word: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (word === undefined) return undefined
  const found = choices.find((one) => one === word)
  if (found !== undefined) return found
  throw usageError(command, `--${option} cannot be ${word}`, `write one of ${choices.join(', ')}`)
}

/** The word that was probably meant: at most two letters away, or one that it begins. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const begun = known.find((name) => word.length >= 2 && name.startsWith(word))
  if (begun !== undefined) return begun
  const far = known.map((name) => ({ name, distance: distance(word, name) }))
  far.sort((a, b) => a.distance - b.distance)
  return far[0] !== undefined && far[0].distance <= 2 ? far[0].name : undefined
}

/** Letters to insert, remove or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
