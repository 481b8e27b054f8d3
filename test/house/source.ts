/** A source file as the house rules see it: what it imports, and its code without comments and text. */
export interface Source {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly text: string
  /** Comments are blanks, and every string is `"n"`, its number: what the rules find here is code. */
  readonly code: string
  readonly imports: readonly string[]
}

export function readSource(path: string, text: string): Source {
  const { code, strings } = strip(text)
  return { path, text, code, imports: importsOf(code, strings) }
}

/**
 * `import … from`, `export … from`, `import '…'`, `import('…')`, and `new URL('…', import.meta.url)`, which is
 * how a worker names its file.
 */
function importsOf(code: string, strings: readonly string[]): string[] {
  const patterns = [
    /\b(?:import|export)\b[^"`;=()]*?\bfrom\s*"(\d+)"/g,
    /\bimport\s*"(\d+)"/g,
    /\bimport\s*\(\s*"(\d+)"/g,
    /\bnew URL\(\s*"(\d+)",\s*import\.meta\.url/g,
  ]
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((m) => strings[Number(m[1])]!))
}

/**
 * Replaces comments and the inside of strings. One pass over the characters; a template's `${…}` is code again,
 * so the scanner keeps a stack of the templates that it is inside of. A `/` begins a regular expression where
 * no value can stand before it.
 */
function strip(text: string): { readonly code: string; readonly strings: readonly string[] } {
  const strings: string[] = []
  let code = ''
  let at = 0
  /** For each open template: how deep the braces are in its `${…}`. */
  const templates: number[] = []

  const until = (end: RegExp, from: number): number => {
    end.lastIndex = from
    return end.exec(text) === null ? text.length : end.lastIndex
  }
  const quoted = (inside: string): void => {
    strings.push(inside)
    code += `"${strings.length - 1}"`
  }
  const template = (): void => {
    const start = at
    while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) at += text[at] === '\\' ? 2 : 1
    quoted(text.slice(start, at))
    if (text[at] === '`') {
      at++
      return
    }
    at += 2
    code += '+('
    templates.push(0)
  }

  while (at < text.length) {
    const c = text[at]!
    const open = templates.length - 1
    if (text.startsWith('//', at)) {
      at = until(/(?=\n)/g, at)
    } else if (text.startsWith('/*', at)) {
      const end = until(/\*\//g, at)
      code += text.slice(at, end).replace(/[^\n]/g, '')
      at = end
    } else if (c === '"' || c === "'") {
      const end = until(c === '"' ? /(?:[^"\\]|\\.)*"/gsy : /(?:[^'\\]|\\.)*'/gsy, at + 1)
      quoted(text.slice(at + 1, end - 1))
      at = end
    } else if (c === '`') {
      at++
      template()
    } else if (c === '/' && valueMayFollow(code)) {
      at = until(/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/gy, at + 1)
      quoted('')
    } else if (c === '}' && open >= 0 && templates[open] === 0) {
      templates.pop()
      at++
      code += ')+'
      template()
    } else {
      if (open >= 0 && c === '{') templates[open]!++
      if (open >= 0 && c === '}') templates[open]!--
      code += c
      at++
    }
  }
  return { code, strings }
}

/** Whether an expression can begin after this code, so that `/` is not a division. */
function valueMayFollow(code: string): boolean {
  const before = code.trimEnd()
  return before === '' || /[=([{,;:!&|?+*%<>~^-]$|\b(?:return|typeof|case|in|of)$/.test(before)
}
