import assert from 'node:assert/strict'
import { blocksOf } from './blocks.js'

describe('the blocks of a document', () => {
  const text = [
    '# Title',
    '',
    '```ts shop.ts',
    'const a = 1',
    '```',
    '',
    '```text',
    'not run',
    '```',
    '',
    '<!-- with',
    "import { a } from './shop.js'",
    '-->',
    '',
    '```ts',
    'a',
    '',
    'b',
    '```',
    '',
    '```sh',
    'revlog --help',
    '```',
  ].join('\n')
  const blocks = blocksOf('docs/x.md', text)

  it('are those of the three languages, with their lines', () =>
    assert.deepEqual(
      blocks.map(({ language, file, line }) => ({ language, file, line })),
      [
        { language: 'ts', file: 'shop.ts', line: 3 },
        { language: 'ts', file: undefined, line: 15 },
        { language: 'sh', file: undefined, line: 21 },
      ],
    ))

  it('have the code, after what a comment puts before it', () =>
    assert.deepEqual(
      blocks.map(({ code }) => code),
      ['const a = 1\n', "import { a } from './shop.js'\na\n\nb\n", 'revlog --help\n'],
    ))
})
