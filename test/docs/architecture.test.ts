import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../house/tree.js'

const foldersOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`)

/**
 * The folders that the table of the map names in its first column. `a/b`, `c` means `a/b` and `a/c`, so that
 * folders of one parent can share a line.
 */
function mappedFolders(text: string): string[] {
  const map = text.slice(text.indexOf('## Implementation map'))
  return [...map.matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, cell]) => {
    const names = [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    const parent = names[0]!.slice(0, names[0]!.lastIndexOf('/') + 1)
    return names.map((name, i) => (i === 0 || name.includes('/') ? name : parent + name))
  })
}

describe('docs/architecture.md', () => {
  const text = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8')
  const mapped = mappedFolders(text)
  const rooms = foldersOf('lib')
  const actual = [...rooms, ...rooms.flatMap(foldersOf), 'test-driver', ...foldersOf('test-driver')]

  it('has every room and every folder in its map', () =>
    assert.deepEqual(
      actual.filter((folder) => !mapped.includes(folder)),
      [],
    ))

  it('has nothing in its map that is gone', () =>
    assert.deepEqual(
      mapped.filter((folder) => !actual.includes(folder)),
      [],
    ))

  it('names only files that are there', () => {
    const named = [...text.matchAll(/`((?:lib|test-driver)\/[\w/-]+\.ts)`/g)].map(([, file]) => file!)
    const files = ['lib', 'test-driver'].flatMap((top) =>
      readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map(
        (file) => `${top}/${file.replaceAll('\\', '/')}`,
      ),
    )
    assert.deepEqual(
      named.filter((file) => !files.includes(file)),
      [],
    )
  })
})

describe('the links of the documents', () => {
  const documents = [
    'README.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ]
  for (const document of documents) {
    it(`${document} leads somewhere`, () => {
      const text = readFileSync(join(root, document), 'utf8')
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target!)
      for (const target of targets) {
        assert.doesNotThrow(() => readFileSync(join(root, document, '..', target)), `${document} → ${target}`)
      }
    })
  }
})
