import type { Screen } from './screen.js'

/** An option as it is parsed and as help shows it. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** What stands for the value in help: `TOPIC=FILE`. */
  readonly value?: string
  /** One sentence or two, without a full stop at the end. */
  readonly help: string
}

/** What the user wrote, after parsing: unknown options and a wrong number of arguments are refused by then. */
export interface Arguments {
  readonly positionals: readonly string[]
  readonly text: (option: string) => string | undefined
  readonly list: (option: string) => readonly string[]
  readonly flag: (option: string) => boolean
}

export interface Context {
  readonly screen: Screen
  /** Aborted by the first SIGINT or SIGTERM: stop taking, finish what is begun, end with 0. */
  readonly stop: AbortSignal
}

/** A command as a value: its words, its options, and what it does. */
export interface Command {
  readonly name: string
  /** Its arguments, as help shows them: `FILE`, `TOPIC [FILE]`. */
  readonly operands: string
  readonly minOperands: number
  readonly maxOperands: number
  readonly summary: string
  /** Paragraphs below the usage line. */
  readonly description: readonly string[]
  readonly options: { readonly [name: string]: Option }
  readonly examples: readonly string[]
  readonly run: (args: Arguments, context: Context) => Promise<void>
}
