import { RevlogError } from '../core/errors.js'

/**
 * Refuses what JSON would not give back: a Date returns as a string, a Map as `{}`, NaN as null. A property of
 * `undefined` is allowed, it is absent afterwards.
 *
 * @throws RevlogError `E_SERIALIZATION` naming the path.
 */
export const requireJson = (value: unknown): void => check(value, '', '')

/** The path is put together only where it goes on or is needed: `parent` and `key` are its last two parts. */
function check(value: unknown, parent: string, key: string): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (Number.isFinite(value)) return
      throw lossy(String(value), parent, key)
    case 'object':
      if (value !== null) checkObject(value, parent, key)
      return
    default:
      throw lossy(typeof value, parent, key)
  }
}

function checkObject(value: object, parent: string, key: string): void {
  const path = join(parent, key)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], path, String(i))
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw lossy(`a ${value.constructor?.name ?? 'strange object'}`, parent, key)
  }
  for (const name of Object.keys(value)) {
    const property = (value as { readonly [name: string]: unknown })[name]
    if (property !== undefined) check(property, path, name)
  }
}

const join = (parent: string, key: string): string => (parent === '' ? key : `${parent}.${key}`)

function lossy(what: string, parent: string, key: string): RevlogError {
  const path = join(parent, key)
  return new RevlogError(
    'E_SERIALIZATION',
    `${path === '' ? 'the value' : path} is ${what}, which JSON does not give back as it was`,
    { remedy: 'keep JSON values in the schema, or give the step that stores them a serde of its own' },
  )
}
