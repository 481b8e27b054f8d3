import { messageOf, RevlogError } from '../../core/errors.js'

export const problemOf = (thrown: unknown): string =>
  thrown instanceof RevlogError ? thrown.problem : messageOf(thrown)

export function rowError(
  code: `E_${string}`,
  problem: string,
  remedy?: string,
  cause?: unknown,
): RevlogError {
  return new RevlogError(code, problem, { ...(remedy === undefined ? {} : { remedy }), cause })
}

/** A member that an option named. */
export function field(value: unknown, name: string, option: string): unknown {
  const fields = fieldsOf(value)
  if (fields !== undefined && Object.hasOwn(fields, name)) return fields[name]
  const known = fields === undefined ? 'it is no object' : `it has ${Object.keys(fields).join(', ')}`
  throw rowError(
    option === '--key' ? 'E_ROW_KEY' : 'E_ROW_TIME',
    `the row has no field ${JSON.stringify(name)}: ${known}`,
    `correct ${option}`,
  )
}

export const fieldsOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
