/** A fenced block of a document that a reader could copy and run. */
export interface Block {
  /** For example `docs/as-of-join.md`. */
  readonly document: string
  /** Of the opening fence, from 1. */
  readonly line: number
  readonly language: 'ts' | 'js' | 'sh'
  /** What the fence names after the language: the file that the block is. */
  readonly file: string | undefined
  /** With the set-up of a `with` comment above it. */
  readonly code: string
}

const LANGUAGES: readonly string[] = ['ts', 'js', 'sh'] satisfies readonly Block['language'][]

/**
 * The blocks of a document that are in one of the three languages. An HTML comment `<!-- with … -->` right above
 * a block is put before its code: imports and set-up that a reader does not need to see.
 */
export function blocksOf(document: string, text: string): Block[] {
  const fences = /(?:<!-- with\n(?<setup>.*?)-->\n\n?)?^```(?<info>[^\n]*)\n(?<code>.*?)^```$/gms
  return [...text.matchAll(fences)].flatMap((found) => {
    const { setup = '', info, code } = found.groups as { readonly [group: string]: string }
    const [language, file] = info!.trim().split(/\s+/)
    if (language === undefined || !LANGUAGES.includes(language)) return []
    const line = text.slice(0, found.index + found[0].indexOf('```')).split('\n').length
    return [{ document, line, language: language as Block['language'], file, code: setup + code! }]
  })
}
