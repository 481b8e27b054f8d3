const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * What a CSV cell means. CSV has no types, so there is one rule: a cell that is a JSON number is that number, any
 * other cell is text. So `007`, `+1`, `1,5`, `NA`, `true` and the empty cell are text, and so is an integer that
 * a number cannot hold exactly (beyond 2^53). Whoever needs more says it in the topic's schema.
 */
export function cellValue(cell: string): string | number {
  const first = cell.charCodeAt(0)
  const numeric = (first >= 48 && first <= 57) || first === 45 // a digit or "-"
  if (!numeric || !NUMBER.test(cell)) return cell
  const value = Number(cell)
  const exact = Number.isSafeInteger(value) || !Number.isInteger(value) || /[.eE]/.test(cell)
  return exact && Number.isFinite(value) ? value : cell
}
