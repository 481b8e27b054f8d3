import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../house/tree.js'
import { commonjs, JAVASCRIPT_PRINTS, javascript, tsconfig, typescript } from './stranger.js'

const NO_REGISTRY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|EAI_FAIL/

interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const call = (cwd: string, command: string, ...args: readonly string[]): Result =>
  spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 100_000 })

/** What it printed; it must have ended well. */
function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = call(cwd, command, ...args)
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}

describe('the package, installed into an empty folder', () => {
  let folder: string
  let packed: readonly string[]

  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'revlog-package-'))
    // The tests run on what was built, so there is nothing for prepack to do.
    const [tarball] = JSON.parse(
      run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
    ) as [{ readonly filename: string; readonly files: readonly { readonly path: string }[] }]
    packed = tarball.files.map((file) => file.path)
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    const installed = call(
      folder,
      'npm',
      ...[
        'install',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '--fetch-retries=0',
        join(folder, tarball.filename),
      ],
    )
    if (installed.status !== 0 && NO_REGISTRY.test(installed.stderr)) {
      console.log('    (the npm registry cannot be reached: the package is not installed and not tested)')
      this.skip()
    }
    assert.equal(installed.status, 0, installed.stderr)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const typeRoots = join(root, 'node_modules', '@types')

  // All declarations are checked once: those of immutable alone take five seconds.
  for (const [module, resolution, skipLibCheck] of [
    ['node16', 'node16', false],
    ['esnext', 'bundler', true],
  ] as const) {
    it(`compiles from TypeScript with moduleResolution ${resolution}`, () => {
      writeFileSync(join(folder, 'shop.ts'), typescript)
      writeFileSync(join(folder, 'tsconfig.json'), tsconfig(module, resolution, typeRoots, skipLibCheck))
      run(folder, process.execPath, tsc, '-p', '.', '--singleThreaded')
    })
  }

  it('runs from plain JavaScript', () => {
    writeFileSync(join(folder, 'shop.js'), javascript)
    assert.equal(run(folder, process.execPath, 'shop.js'), JAVASCRIPT_PRINTS)
  })

  it('can be required', () => {
    writeFileSync(join(folder, 'shop.cjs'), commonjs)
    assert.equal(run(folder, process.execPath, 'shop.cjs'), 'orders function function\n')
  })

  it('brings the command', () => {
    assert.match(run(folder, 'npx', '--no-install', 'revlog', '--help'), /revlog COMMAND/)
  })

  it('holds types and source maps with their sources, and neither tests nor demos', () => {
    const compiled = packed.filter((path) => path.startsWith('dist/') && path.endsWith('.js'))
    assert.ok(compiled.length > 0)
    const expected = compiled.flatMap((path) => [
      path.replace(/js$/, 'd.ts'),
      `${path}.map`,
      path.replace(/^dist\//, '').replace(/js$/, 'ts'),
    ])
    assert.deepEqual(
      expected.filter((path) => !packed.includes(path)),
      [],
      'compiled from a source that is gone? then remove dist and build again',
    )
    assert.deepEqual(
      packed.filter((path) => /\.test\.|(?:^|\/)(?:test|topologies|docs)\//.test(path)),
      [],
    )
    assert.ok(packed.includes('LICENSE') && packed.includes('README.md'))
  })
})
