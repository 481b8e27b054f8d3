import { type Duration, milliseconds } from '../core/duration.js'
import { usageError } from './arguments.js'

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `500ms`, `2s`, `10m`, `1h`; `0`. @throws RevlogError `E_USAGE` */
export function lengthOfTime(
  command: string,
  option: string,
  word: string | undefined,
): Duration | undefined {
  if (word === undefined) return undefined
  if (word === '0') return milliseconds(0)
  const [, n, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(word) ?? []
  if (n !== undefined && unit !== undefined) return milliseconds(Number(n) * UNITS[unit]!)
  throw usageError(
    command,
    `--${option} ${word} is no length of time`,
    'write a number with ms, s, m or h: 500ms',
  )
}
