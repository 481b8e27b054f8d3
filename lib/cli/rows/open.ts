import { type ByteSource, openBytes } from './bytes.js'
import { csvRows } from './csv.js'
import { jsonRows } from './json-lines.js'
import { type Line, linesOf } from './lines.js'
import type { Row } from './row.js'

export const FORMATS = ['csv', 'tsv', 'jsonl'] as const
export type Format = (typeof FORMATS)[number]

export interface RowOptions {
  /** Absent: by the name of the file, else by its first character. */
  readonly format?: Format | undefined
  /** Leave CSV cells as text. */
  readonly csvText?: boolean
  /** Ends the rows where they are. */
  readonly stop: AbortSignal
}

export interface RowSource extends Omit<ByteSource, 'chunks'> {
  readonly batches: AsyncIterable<readonly Row[]>
}

/** The rows of a file: CSV, TSV or JSON lines, plain or gzip; `-` is standard input. */
export async function openRows(path: string, options: RowOptions): Promise<RowSource> {
  const bytes = await openBytes(path, options.stop)
  const { name, size, read } = bytes
  return { name, size, read, batches: rows(path, bytes, options) }
}

async function* rows(path: string, bytes: ByteSource, options: RowOptions): AsyncGenerator<readonly Row[]> {
  const lines = linesOf(bytes)
  const first = await lines.next()
  if (first.done === true) return
  const all = prepended(first.value, lines)
  const format = options.format ?? formatOfName(path) ?? formatOfText(first.value)
  if (format === 'jsonl') yield* jsonRows(all, bytes.name)
  else {
    const separator = format === 'tsv' ? '\t' : ','
    yield* csvRows(all, { file: bytes.name, separator, text: options.csvText ?? false })
  }
}

function formatOfName(path: string): Format | undefined {
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase()
  if (extension === 'csv' || extension === 'tsv') return extension
  return extension === 'jsonl' || extension === 'ndjson' || extension === 'json' ? 'jsonl' : undefined
}

/** A JSON value that is an object, an array or text begins with one of these; no sensible header does. */
function formatOfText(lines: readonly Line[]): Format {
  const first = lines.find((line) => line.text.trim() !== '')?.text.trimStart() ?? ''
  return /^[{[]/.test(first) ? 'jsonl' : 'csv'
}

async function* prepended(
  head: readonly Line[],
  rest: AsyncIterable<readonly Line[]>,
): AsyncGenerator<readonly Line[]> {
  yield head
  yield* rest
}
