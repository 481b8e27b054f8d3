import { type Coordinates, RevlogError } from '../../../core/errors.js'

/** An error as it travels between threads, which would strip it to its message. */
export interface PortableError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Of an error of ours. */
  readonly coded:
    | {
        readonly code: RevlogError['code']
        readonly problem: string
        readonly remedy: string | undefined
        readonly at: Coordinates
      }
    | undefined
  readonly cause: PortableError | undefined
}

/** Causes of causes, and no further: an error may be its own cause. */
const DEPTH = 5

export function encodeError(thrown: unknown, depth = 0): PortableError {
  if (!(thrown instanceof Error)) {
    return { name: 'Error', message: String(thrown), stack: undefined, coded: undefined, cause: undefined }
  }
  const { name, message, stack, cause } = thrown
  return {
    name,
    message,
    stack,
    coded:
      thrown instanceof RevlogError
        ? { code: thrown.code, problem: thrown.problem, remedy: thrown.remedy, at: { ...thrown.at } }
        : undefined,
    cause: cause === undefined || depth === DEPTH ? undefined : encodeError(cause, depth + 1),
  }
}

export function decodeError({ name, message, stack, coded, cause: from }: PortableError): Error {
  const cause = from === undefined ? undefined : decodeError(from)
  const error =
    coded === undefined
      ? Object.assign(new Error(message, { cause }), { name })
      : new RevlogError(coded.code, coded.problem, {
          at: coded.at,
          ...(coded.remedy === undefined ? {} : { remedy: coded.remedy }),
          ...(cause === undefined ? {} : { cause }),
        })
  if (stack !== undefined) error.stack = stack
  return error
}
