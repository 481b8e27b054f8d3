/** The cells of a row, as far as its lines have been read. */
export interface Cells {
  readonly cells: string[]
  /** What a quoted cell holds so far, when its closing quote is on a later line. */
  open: string | undefined
}

export const QUOTE_REMEDY = 'put the whole cell into double quotes and double each quote inside it'

/**
 * Reads one line into a row. Each character is looked at once, however many lines a quoted cell has.
 * Returns what is wrong with the line, if anything is.
 */
export function readCells(row: Cells, text: string, separator: string): string | undefined {
  const { cells } = row
  let at = 0
  let quoted = row.open
  row.open = undefined
  for (;;) {
    if (quoted === undefined && text[at] === '"') {
      quoted = ''
      at++
    }
    if (quoted !== undefined) {
      for (;;) {
        const quote = text.indexOf('"', at)
        if (quote === -1) {
          row.open = `${quoted}${text.slice(at)}\n`
          return undefined
        }
        quoted += text.slice(at, quote)
        at = quote + 1
        if (text[at] !== '"') break
        quoted += '"'
        at++
      }
      if (at === text.length - 1 && text[at] === '\r') at++
      if (at < text.length && text[at] !== separator) {
        return `cell ${cells.length + 1} goes on after its closing quote`
      }
      cells.push(quoted)
      quoted = undefined
    } else {
      const next = text.indexOf(separator, at)
      const end = next === -1 ? text.length : next
      const cell = next === -1 ? withoutCr(text.slice(at)) : text.slice(at, end)
      if (cell.includes('"')) return `cell ${cells.length + 1} has a quote in the middle`
      cells.push(cell)
      at = end
    }
    if (at >= text.length) return undefined
    at++ // the separator; what follows it is a cell, if only an empty one
  }
}

export const withoutCr = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text)
