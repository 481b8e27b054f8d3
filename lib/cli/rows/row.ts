import type { RevlogError } from '../../core/errors.js'

/** One row of a file: a JSON value or the cells of a CSV row as an object, or what is wrong with it. */
export type Row = GoodRow | BadRow

export interface GoodRow {
  /** Where it begins, counted from 1. */
  readonly line: number
  readonly value: unknown
  /** A cell of a CSV row as it was written, before it became a number. Absent for JSON. */
  readonly cell?: (column: string) => string | undefined
}

/** A bad row travels with the good ones: who reads decides whether to stop or to count and go on. */
export interface BadRow {
  readonly line: number
  readonly problem: RevlogError
}
