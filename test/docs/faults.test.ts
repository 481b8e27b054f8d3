import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../house/tree.js'

/** `` `kafka/reset`: refuses while members are active ``: a file of tests, and words that are in it. */
const CITED = /`([\w/-]+)`: ([^;|,\n]*)/g

describe('docs/faults.md', () => {
  it('names tests that there are', () => {
    const text = readFileSync(join(root, 'docs/faults.md'), 'utf8')
    const tables = text.split('\n').filter((line) => line.startsWith('| '))
    let cited = 0
    const missing = tables.flatMap((line) =>
      [...line.split(' | ').at(-1)!.matchAll(CITED)].flatMap(([, file, words]) => {
        const path = join(root, 'test', `${file}.test.ts`)
        cited++
        const found = existsSync(path) && readFileSync(path, 'utf8').includes(words!.trim())
        return found ? [] : [`${file}: ${words}`]
      }),
    )
    assert.deepEqual(missing, [])
    assert.ok(cited > 50, `only ${cited}`)
  })
})
