/**
 * Where a run-time failure happened. Every part is optional because a failure knows only some of them:
 * a record that cannot be decoded has no operator yet, a punctuation has no record.
 */
export interface Coordinates {
  /** `<sub-topology>_<partition>`, for example `0_3`. */
  readonly task?: string
  readonly operator?: string
  readonly store?: string
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  readonly file?: string
  readonly line?: number
}

export interface ErrorDetails {
  /** What the reader can do about it, as an imperative sentence. */
  readonly remedy?: string
  readonly at?: Coordinates
  readonly cause?: unknown
}

/**
 * Every error that revlog throws on purpose: a stable `code` to match on, a sentence that says what is wrong,
 * the coordinates where it is known, and the remedy.
 *
 * @example
 * try { topology('app', [sink]) } catch (error) {
 *   if (error instanceof RevlogError && error.code === 'E_STORE_UNNAMED') ...
 * }
 */
export class RevlogError extends Error {
  override readonly name = 'RevlogError'
  readonly code: `E_${string}`
  /** The sentence alone; `message` also has code, coordinates and remedy. */
  readonly problem: string
  readonly remedy: string | undefined
  readonly at: Coordinates

  constructor(code: `E_${string}`, problem: string, details: ErrorDetails = {}) {
    const { remedy, at = {}, cause } = details
    const where = formatCoordinates(at)
    super(
      `${code}: ${problem}${where === '' ? '' : ` (${where})`}${remedy === undefined ? '' : `\n  remedy: ${remedy}`}`,
      cause === undefined ? undefined : { cause },
    )
    this.code = code
    this.problem = problem
    this.remedy = remedy
    this.at = at
  }

  /** The same error with more coordinates; those already known stay. */
  located(at: Coordinates): RevlogError {
    return new RevlogError(this.code, this.problem, {
      at: { ...at, ...this.at },
      cause: this.cause,
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
    })
  }
}

/** `task 0_3, operator totals, orders-1 @ 42`; empty when nothing is known. */
export function formatCoordinates(at: Coordinates): string {
  const parts: string[] = []
  if (at.task !== undefined) parts.push(`task ${at.task}`)
  if (at.operator !== undefined) parts.push(`operator ${at.operator}`)
  if (at.store !== undefined) parts.push(`store ${at.store}`)
  if (at.topic !== undefined) {
    const partition = at.partition === undefined ? '' : `, partition ${at.partition}`
    const offset = at.offset === undefined ? '' : `, offset ${at.offset}`
    parts.push(`topic ${at.topic}${partition}${offset}`)
  }
  if (at.file !== undefined) parts.push(`${at.file}${at.line === undefined ? '' : `:${at.line}`}`)
  return parts.join(', ')
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
