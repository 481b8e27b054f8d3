import { choice } from './arguments.js'
import type { Arguments, Option } from './command.js'
import { FORMATS, type RowOptions } from './rows/open.js'

export const ON_ROW_ERROR = ['fail', 'skip'] as const

/** What every command that reads rows may be told. */
export const ROW_OPTIONS: { readonly [name: string]: Option } = {
  format: {
    type: 'string',
    value: FORMATS.join('|'),
    help: 'What the rows are; else by the name of the file, else by its first character',
  },
  'csv-text': { type: 'boolean', help: 'Leave every CSV cell as text, also the numbers' },
}

export function rowFormat(command: string, args: Arguments): Pick<RowOptions, 'format' | 'csvText'> {
  return { format: choice(command, 'format', args.text('format'), FORMATS), csvText: args.flag('csv-text') }
}
