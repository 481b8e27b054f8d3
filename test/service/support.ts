import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RevlogError, type SourceTopic } from 'revlog'
import type { Service } from 'revlog/service'

/** A directory that is there as long as `use` runs. */
export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'revlog-service-'))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The last revisions of a topic, keys ascending. */
export async function tableOf<K, V>(service: Service, topic: SourceTopic<K, V>): Promise<[K, V][]> {
  const rows: [K, V][] = []
  for await (const { key, value } of service.table(topic)) rows.push([key as K, value as V])
  return rows.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** An expectation for `assert.rejects` and `assert.throws`. */
export const withCode =
  (code: string, ...parts: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof RevlogError, String(error))
    assert.equal(error.code, code, error.message)
    for (const part of parts) assert.ok(error.message.includes(part), `${part} is not in: ${error.message}`)
    return true
  }
