import { createInterface } from 'node:readline'

/**
 * Asks a person, who has to write the whole word: only `yes` is one. The end of the input (Ctrl-D) and Ctrl-C are no.
 *
 * @param stop no more answer is wanted
 */
export function askYes(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  stop: AbortSignal,
): Promise<boolean> {
  if (stop.aborted) return Promise.resolve(false)
  const lines = createInterface({ input, output })
  return new Promise((resolve) => {
    const answer = (yes: boolean): void => {
      stop.removeEventListener('abort', no)
      resolve(yes)
      lines.close()
    }
    const no = (): void => answer(false)
    // In raw mode a terminal sends no signal: readline gets the key.
    lines.on('SIGINT', no)
    lines.on('close', no)
    stop.addEventListener('abort', no)
    lines.question(question, (text) => answer(text.trim().toLowerCase() === 'yes'))
  })
}
