import assert from 'node:assert/strict'
import { type LogRecord, lastHeader } from '../../../lib/core/record.js'
import { compareRevisions, REVISION_HEADERS } from '../../../lib/core/revision.js'

const revisionOf = ({ headers }: LogRecord): Buffer => lastHeader(headers, REVISION_HEADERS.revision)!

/** What a topic says more than once: answers with the same id and revision. Their values must be equal. */
export function repeatedRevisions(partitions: readonly (readonly LogRecord[])[]): number {
  const values = new Map<string, string>()
  let repeated = 0
  for (const record of partitions.flat()) {
    const name = `${record.key}@${revisionOf(record).toString('hex')}`
    const value = String(record.value)
    const known = values.get(name)
    if (known !== undefined) {
      repeated++
      assert.equal(value, known, `two answers of one revision differ: ${name}`)
    }
    values.set(name, value)
  }
  return repeated
}

/** Ids whose last answer in the log is not that of the greatest revision: a zombie had the last word. */
export function staleIds(partitions: readonly (readonly LogRecord[])[]): ReadonlySet<string> {
  const stale = new Set<string>()
  for (const records of partitions) {
    const greatest = new Map<string, Buffer>()
    for (const record of records) {
      const id = String(record.key)
      const revision = revisionOf(record)
      const known = greatest.get(id)
      if (known !== undefined && compareRevisions(revision, known) < 0) stale.add(id)
      else {
        stale.delete(id)
        greatest.set(id, revision)
      }
    }
  }
  return stale
}

/** Numbers by key, in the order of the log. */
export function numbersOf(partitions: readonly (readonly LogRecord[])[]): ReadonlyMap<string, number[]> {
  const found = new Map<string, number[]>()
  for (const { key, value } of partitions.flat()) {
    const id = String(key)
    const numbers = found.get(id) ?? []
    numbers.push(value === undefined ? 0 : value.readInt32BE(0))
    found.set(id, numbers)
  }
  return found
}
