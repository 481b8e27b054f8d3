import assert from 'node:assert/strict'
import { RevlogError } from '../../lib/core/errors.js'
import { json } from '../../lib/serdes/json.js'
import { int64, string } from '../../lib/serdes/primitives.js'
import { checkFingerprints } from '../../lib/state/fingerprints.js'
import { keyValueStore } from '../../lib/state/stores/key-value-store.js'

describe('fingerprints of stores', () => {
  const totals = keyValueStore('totals', { key: string(), value: int64() })
  const moods = keyValueStore('moods', { key: string(), value: json() })

  it('are kept for stores that the topology has no more, whose rows are still there', () => {
    const first = checkFingerprints({}, [totals, moods])
    assert.deepEqual(first, { totals: 'key-value(string, int64)', moods: 'key-value(string, json)' })
    assert.deepEqual(checkFingerprints(first, [totals]), first)
  })

  it('refuse rows that were written in another format, naming the store and both', () => {
    const previous = checkFingerprints({}, [totals])
    const other = keyValueStore('totals', { key: string(), value: json() })
    assert.throws(
      () => checkFingerprints(previous, [other]),
      (error) =>
        error instanceof RevlogError &&
        error.code === 'E_STORE_INCOMPATIBLE' &&
        error.at.store === 'totals' &&
        error.problem.includes('key-value(string, int64)') &&
        error.problem.includes('key-value(string, json)'),
    )
  })

  it('are not confused by a store that is named as a property of every object', () => {
    assert.doesNotThrow(() => checkFingerprints({}, [{ ...totals, name: 'constructor' }]))
  })
})
