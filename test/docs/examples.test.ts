import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, 'dist', 'examples')

interface Example {
  readonly where: string
  readonly file: string
  readonly code: string
}

/** A block of TypeScript that imports something is a whole module; the others are fragments of one. */
function examplesOf(document: string): readonly Example[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .filter(([, code = '']) => /^import /m.test(code))
    .map(({ 1: code = '', index }, i) => ({
      where: `${document}:${text.slice(0, index).split('\n').length + 1}`,
      file: `${basename(document, '.md')}-${i + 1}`,
      code,
    }))
}

const documents = [
  ...['README.md'].filter((name) => existsSync(join(root, name))),
  ...(existsSync(join(root, 'docs'))
    ? readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .sort()
        .map((name) => join('docs', name))
    : []),
]
const examples = documents.flatMap(examplesOf)

describe('examples in the documentation', () => {
  before(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const { file, code } of examples) writeFileSync(join(folder, `${file}.ts`), code)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: {
          rootDir: '.',
          outDir: './out',
          incremental: false,
          noUnusedLocals: false,
          types: ['node'],
        },
        include: ['*.ts'],
      }),
    )
    const compiled = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder],
      {
        encoding: 'utf8',
      },
    )
    assert.equal(compiled.stdout + compiled.stderr, '')
  })

  for (const { where, file } of examples) {
    it(`${where} compiles and runs`, () => {
      const ran = spawnSync(process.execPath, [join(folder, 'out', `${file}.js`)], { encoding: 'utf8' })
      assert.equal(ran.status, 0, ran.stdout + ran.stderr)
    })
  }
})
