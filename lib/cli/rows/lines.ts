import { RevlogError } from '../../core/errors.js'
import type { ByteSource } from './bytes.js'

/** One line of a text file, without its LF; counted from 1. */
export interface Line {
  readonly number: number
  readonly text: string
}

/**
 * The lines of a file, in the batches that they arrive in: one `await` for thousands of lines. The last one may
 * have no end. The CR of a CRLF stays: inside the quotes of CSV it is content. A byte order mark is dropped. Text that is not UTF-8 is an error: reading
 * on would change names silently.
 */
export async function* linesOf(source: ByteSource): AsyncGenerator<readonly Line[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let number = 0
  let rest = ''
  const decode = (bytes: Buffer | undefined): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch (cause) {
      throw new RevlogError('E_NOT_UTF8', 'the text is not UTF-8', {
        at: { file: source.name, line: number + 1 },
        remedy: `convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 ${source.name}`,
        cause,
      })
    }
  }
  for await (const chunk of source.chunks) {
    const texts = (rest + decode(chunk)).split('\n')
    rest = texts.pop() ?? ''
    if (texts.length > 0) yield texts.map((text) => ({ number: ++number, text }))
  }
  rest += decode(undefined)
  if (rest !== '') yield [{ number: ++number, text: rest }]
}
