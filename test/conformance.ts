import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SHARED = fileURLToPath(new URL('../../../shared/conformance/', import.meta.url))

/** The content of such a file; nothing where they are missing. */
export function recordedIn<T extends readonly unknown[]>(suite: string, file: string): T | readonly [] {
  const path = join(SHARED, suite, `${file}.json`)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : []
}

/**
 * Defines a test over a file of recorded behaviour of another system. The files lie beside the project, not in
 * it: where they are missing the test says so and is skipped.
 */
export function conforms<T>(suite: string, file: string, test: (recorded: T) => void): void {
  const path = join(SHARED, suite, `${file}.json`)
  if (!existsSync(path)) {
    it.skip(`${suite}/${file} (skipped: ../shared/conformance is not there)`)
    return
  }
  const recorded = JSON.parse(readFileSync(path, 'utf8')) as T & { readonly name?: string }
  it(`${suite}/${file}: ${recorded.name ?? ''}`, () => test(recorded))
}
