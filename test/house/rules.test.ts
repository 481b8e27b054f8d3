import assert from 'node:assert/strict'
import {
  checkBans,
  checkDead,
  checkImports,
  checkLength,
  checkRoomCycles,
  checkTopLevel,
  MAX_LINES,
} from './rules.js'
import { readSource, type Source } from './source.js'

const sources = (files: { readonly [path: string]: string }): Source[] =>
  Object.entries(files).map(([path, text]) => readSource(path, text))

const packages = { name: 'revlog', doors: ['revlog', 'revlog/service'], dependencies: ['lmdb', 'immutable'] }

/** What the import rule says about one file that imports one thing. */
function complaints(path: string, specifier: string): string[] {
  const target = specifier.startsWith('.')
    ? new URL(specifier, `file:///${path}`).pathname.slice(1)
    : undefined
  const files = { [path]: `import { x } from '${specifier}'` }
  return checkImports(
    sources(target === undefined ? files : { ...files, [target.replace(/js$/, 'ts')]: '' }),
    packages,
  )
}

describe('the rules of the house find', () => {
  const forbidden: readonly (readonly [string, string])[] = [
    ['lib/core/record.ts', '../serdes/serde.js'],
    ['lib/engine/task.ts', '../operators/filter/index.js'],
    ['lib/engine/task.ts', '../state/memory/backend.js'],
    ['lib/engine/task.ts', 'node:fs'],
    ['lib/operators/count/index.ts', '../../state/lmdb/backend.js'],
    ['lib/operators/count/index.ts', '../../engine/task.js'],
    ['lib/topology/topology.ts', '../dsl/stream.js'],
    ['lib/service/run.ts', '../dsl/stream.js'],
    ['lib/cli/main.ts', '../engine/task.js'],
    ['test-driver/driver.ts', '../lib/service/run.js'],
    ['test-driver/driver.ts', '../lib/operators/count/index.js'],
    ['topologies/demo.ts', '../lib/index.js'],
    ['topologies/demo.ts', 'revlog/engine'],
    ['topologies/demo.ts', 'immutable'],
    ['topologies/demo.ts', '../test-driver/index.js'],
    ['lib/dsl/stream.ts', 'revlog'],
    ['lib/dsl/stream.ts', 'left-pad'],
    ['lib/service/run.ts', 'lmdb'],
    ['lib/attic/old.ts', '../core/record.js'],
  ]
  for (const [path, specifier] of forbidden) {
    it(`${path} importing ${specifier}`, () => assert.equal(complaints(path, specifier).length, 1))
  }

  it('an import of a file that is not there', () => {
    const [complaint] = checkImports(sources({ 'lib/core/a.ts': `import './b.js'` }), packages)
    assert.match(complaint!, /no such file/)
  })

  it('a forbidden import however it is written', () => {
    for (const text of [
      `import type { A } from '../engine/a.js'`,
      `export * from "../engine/a.js"`,
      `import {\n  a,\n  b,\n} from '../engine/a.js'`,
      `const a = () => import('../engine/a.js')`,
      `import '../engine/a.js'`,
      `start(new URL('../engine/a.js', import.meta.url))`,
    ]) {
      assert.equal(
        checkImports(sources({ 'lib/core/a.ts': text, 'lib/engine/a.ts': '' }), packages).length,
        1,
        text,
      )
    }
  })

  it('time, chance, waiting and the world in a pure room', () => {
    for (const text of [
      'const f = async () => {}',
      'const p: Promise<void> = q',
      'const t = Date.now()',
      'const t = new Date()',
      'const r = Math.random()',
      'setTimeout(f, 1)',
      'const e = process.env',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program
      'const s = `at ${Date.now()} or ${`inner ${Math.max(1)}`}`',
      'const a = b / 2; const t = Date.now() / 1000',
    ]) {
      assert.equal(checkBans(sources({ 'lib/engine/a.ts': text })).length, 1, text)
    }
  })

  it('a file of more lines than one idea needs', () => {
    assert.equal(checkLength(sources({ 'lib/core/a.ts': 'x\n'.repeat(MAX_LINES + 1) })).length, 1)
    assert.equal(checkLength(sources({ 'lib/core/a.ts': 'x\n'.repeat(MAX_LINES) })).length, 0)
  })

  it('a dead file, and an entry that is not there', () => {
    const files = sources({
      'lib/index.ts': `export * from './a.js'`,
      'lib/a.ts': '',
      'lib/b.ts': `import './a.js'`,
    })
    assert.deepEqual(
      checkDead(files, ['lib/index.ts', 'lib/cli/main.ts']).map((c) => c.split(' ')[0]),
      ['lib/cli/main.ts', 'lib/b.ts'],
    )
  })

  it('rooms that import each other around a corner', () => {
    const files = sources({
      'lib/core/a.ts': `import '../serdes/b.js'`,
      'lib/serdes/b.ts': `import '../state/c.js'`,
      'lib/state/c.ts': `import '../core/a.js'`,
    })
    assert.deepEqual(checkRoomCycles(files), ['rooms import each other: core → serdes → state → core'])
  })

  it('what does not belong at the top level, and what is missing there', () => {
    const fixed = [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'lib',
      'topologies',
      'test-driver',
      'test',
      'docs',
      'LICENSE',
    ]
    assert.deepEqual(checkTopLevel([...fixed, '.gitignore', 'dist', 'scripts']), [
      'scripts does not belong at the top level',
      'README.md is missing at the top level',
    ])
  })
})

describe('the rules of the house allow', () => {
  const allowed: readonly (readonly [string, string])[] = [
    ['lib/engine/task.ts', '../state/write-buffer.js'],
    ['lib/operators/count/index.ts', '../../state/key-value.js'],
    ['lib/service/run.ts', '../state/lmdb/backend.js'],
    ['lib/brokers/embedded/log.ts', 'lmdb'],
    ['lib/brokers/embedded/log.ts', 'node:fs'],
    ['lib/index.ts', './dsl/stream.js'],
    ['test-driver/driver.ts', '../lib/state/memory/backend.js'],
    ['topologies/demo.ts', 'revlog/service'],
    ['topologies/demo.ts', './moods.js'],
  ]
  for (const [path, specifier] of allowed) {
    it(`${path} importing ${specifier}`, () => assert.deepEqual(complaints(path, specifier), []))
  }

  it('the banned words in comments, strings and regular expressions', () => {
    const text = [
      '// async, Promise, Date.now()',
      '/* Math.random()\n setTimeout() */',
      "const a = 'it\\'s Date.now()' + \"Math.random()\"",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program
      'const b = `async ${a} Promise`',
      'const c = /async "Date.now()/.test(a)',
      'const d = /[/"]/g',
    ].join('\n')
    assert.deepEqual(checkBans(sources({ 'lib/engine/a.ts': text })), [])
    assert.deepEqual(checkBans(sources({ 'lib/service/a.ts': 'const f = async () => Date.now()' })), [])
  })

  it('the word import in text', () => {
    assert.deepEqual(
      readSource('lib/a.ts', `const a = "import x from './engine.js'" // import './b.js'`).imports,
      [],
    )
  })
})
