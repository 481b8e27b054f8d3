import { messageOf, RevlogError } from '../../core/errors.js'
import type { Line } from './lines.js'
import type { Row } from './row.js'

/** One JSON value to a line; empty lines are skipped. */
export async function* jsonRows(
  batches: AsyncIterable<readonly Line[]>,
  file: string,
): AsyncGenerator<readonly Row[]> {
  for await (const lines of batches) {
    yield lines.filter((line) => line.text.trim() !== '').map((line) => jsonRow(line, file))
  }
}

function jsonRow({ number: line, text }: Line, file: string): Row {
  const at = { file, line }
  const unsafe = /\d{16}/.test(text) ? unsafeInteger(text) : undefined
  if (unsafe !== undefined) {
    const problem = new RevlogError('E_UNSAFE_INTEGER', `${unsafe} does not fit into a number without loss`, {
      at,
      remedy: 'write it in quotes, as text',
    })
    return { line, problem }
  }
  try {
    return { line, value: JSON.parse(text) as unknown }
  } catch (cause) {
    const problem = new RevlogError('E_JSON', `the line is not JSON: ${messageOf(cause)}`, {
      at,
      remedy:
        'each line holds one whole JSON value; `jq -c .` writes a document that way, `jq -c ".[]"` an array',
      cause,
    })
    return { line, problem }
  }
}

/** The first integer outside of strings that a number cannot hold exactly. */
function unsafeInteger(json: string): string | undefined {
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token))) return token
  }
  return undefined
}
