import { RevlogError } from '../../core/errors.js'
import { cellValue } from './cell.js'
import { type Cells, QUOTE_REMEDY, readCells, withoutCr } from './csv-cells.js'
import type { Line } from './lines.js'
import type { Row } from './row.js'

export interface CsvOptions {
  readonly file: string
  readonly separator: ',' | '\t'
  /** Leave every cell as text. */
  readonly text: boolean
}

/** A quoted cell that goes on for longer has lost its closing quote, and reading on would swallow the file. */
const LONGEST_ROW = 1024 * 1024

/**
 * CSV as RFC 4180 has it: a header row; cells in quotes may hold separators, line ends and doubled quotes; every
 * row has as many cells as the header. Empty lines are skipped. A row becomes an object from column to cell.
 */
export async function* csvRows(
  batches: AsyncIterable<readonly Line[]>,
  options: CsvOptions,
): AsyncGenerator<readonly Row[]> {
  const parse = csvParser(options)
  for await (const lines of batches) yield parse(lines)
  yield parse(undefined)
}

/** Takes lines as they come and returns the rows that they complete; `undefined` says that there are no more. */
function csvParser(options: CsvOptions): (lines: readonly Line[] | undefined) => Row[] {
  const { file, separator } = options
  const rowOf = rowMaker(options)
  // The lines of a row whose quoted cell is not closed yet, and its cells so far.
  let open: Line[] = []
  let openLength = 0
  let cells: Cells | undefined

  const add = (rows: Row[], row: Row | undefined): void => {
    if (row !== undefined) rows.push(row)
  }
  function take(line: Line, rows: Row[]): void {
    const { text, number } = line
    if (cells === undefined && !text.includes('"')) {
      const plain = withoutCr(text)
      if (plain !== '') add(rows, rowOf(number, plain.split(separator)))
      return
    }
    cells ??= { cells: [], open: undefined }
    open.push(line)
    openLength += text.length
    const wrong = readCells(cells, text, separator)
    if (wrong === undefined && cells.open !== undefined) {
      if (openLength > LONGEST_ROW) giveUp('a quote is opened and never closed', rows)
    } else if (wrong === undefined) {
      const whole = cells.cells
      const first = open[0]!.number
      reset()
      add(rows, rowOf(first, whole))
    } else giveUp(wrong, rows)
  }
  function reset(): void {
    open = []
    openLength = 0
    cells = undefined
  }
  /** The first line is the bad one; the lines after it are read again as rows of their own. */
  function giveUp(problem: string, rows: Row[]): void {
    const [first, ...rest] = open
    reset()
    rows.push(badRow(file, first!.number, problem, QUOTE_REMEDY))
    for (const line of rest) take(line, rows)
  }

  return (lines) => {
    const rows: Row[] = []
    if (lines === undefined) while (open.length > 0) giveUp('a quote is opened and never closed', rows)
    else for (const line of lines) take(line, rows)
    return rows
  }
}

/** Makes an object of the cells of a row; the first row names the columns. */
function rowMaker({ file, text }: CsvOptions): (line: number, cells: readonly string[]) => Row | undefined {
  let columns: readonly string[] | undefined
  return (line, cells) => {
    if (columns === undefined) {
      columns = header(file, line, cells)
      return undefined
    }
    const names = columns
    if (cells.length !== names.length) {
      const remedy =
        cells.length > names.length
          ? 'put a cell that holds the separator into double quotes'
          : 'complete the row; an empty cell needs its separator too'
      return badRow(file, line, `the row has ${cells.length} cells, the header has ${names.length}`, remedy)
    }
    const value: Record<string, string | number> = {}
    for (let i = 0; i < names.length; i++) value[names[i]!] = text ? cells[i]! : cellValue(cells[i]!)
    return { line, value, cell: (column) => cells[names.indexOf(column)] }
  }
}

function badRow(file: string, line: number, problem: string, remedy: string): Row {
  return { line, problem: new RevlogError('E_CSV', problem, { at: { file, line }, remedy }) }
}

function header(file: string, line: number, cells: readonly string[]): readonly string[] {
  const twice = cells.find((name, i) => cells.indexOf(name) !== i)
  if (twice !== undefined || cells.includes('__proto__')) {
    const problem =
      twice === undefined
        ? 'no column may be named __proto__'
        : `two columns are named ${JSON.stringify(twice)}`
    throw new RevlogError('E_CSV_HEADER', problem, {
      at: { file, line },
      remedy: 'the first row names the columns, each once',
    })
  }
  return cells
}
