import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { root } from '../house/tree.js'
import type { Block } from './blocks.js'

/** A project that has revlog installed, with one folder for each document and the document's files in it. */
export interface Project {
  /** What the TypeScript compiler says about the documents' files, which are named after their lines. */
  readonly complaints: string
  readonly run: (block: Block) => { readonly status: number | null; readonly output: string }
  readonly remove: () => void
}

export function createProject(blocks: readonly Block[]): Project {
  const { PATH: path = '' } = process.env
  const folder = mkdtempSync(join(tmpdir(), 'revlog-docs-'))
  const bin = join(folder, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(root, join(folder, 'node_modules', 'revlog'))
  for (const name of ['@types', 'mocha', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const command = join(root, 'dist', 'lib', 'cli', 'main.js')
  writeFileSync(join(bin, 'revlog'), `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`, {
    mode: 0o755,
  })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const block of blocks) {
    mkdirSync(folderOf(block.document), { recursive: true })
    if (block.language !== 'sh') writeFileSync(sourceOf(block), block.code)
  }
  for (const document of new Set(blocks.map((b) => b.document))) {
    // What is in a clone of the project, for the commands that name it.
    cpSync(join(root, 'dist', 'topologies'), join(folderOf(document), 'dist', 'topologies'), {
      recursive: true,
    })
  }
  const complaints = compile(folder)

  function folderOf(document: string): string {
    return join(folder, document.replace(/\.md$/, '').replaceAll('/', '-'))
  }
  function sourceOf(block: Block): string {
    return join(folderOf(block.document), block.file ?? `line-${block.line}.${block.language}`)
  }

  return {
    complaints,
    run(block) {
      const file = sourceOf(block).replace(/\.ts$/, '.js')
      const [program, ...args] =
        block.language === 'sh'
          ? ['bash', '--norc', '-euo', 'pipefail', '-c', runnable(block.code)]
          : file.endsWith('.test.js')
            ? [process.execPath, join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'), file]
            : [process.execPath, file]
      const { status, stdout, stderr } = spawnSync(program!, args, {
        cwd: folderOf(block.document),
        encoding: 'utf8',
        timeout: 60_000,
        stdio: ['ignore', 'pipe', 'pipe'], // bash takes a socket on its input for a remote login
        env: { ...process.env, PATH: `${bin}${delimiter}${path}` },
      })
      return { status, output: `${stdout}${stderr}` }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Emits the JavaScript beside each file, and returns what was wrong. */
function compile(folder: string): string {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        strict: true,
        skipLibCheck: true,
        types: ['node', 'mocha'],
      },
      include: ['*/*.ts'],
    }),
  )
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', '.', '--pretty', 'false', '--singleThreaded'], {
    cwd: folder,
    encoding: 'utf8',
  }).stdout
}

/**
 * The commands of a block that are revlog's or the shell's own. `npm`, `npx` before revlog, `git` and `cd` set
 * the reader's machine up, and are not run; a `.ts` file is run compiled, because not every Node runs it itself.
 */
function runnable(code: string): string {
  return code
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*(?:npm|git|cd)\s/.test(line))
    .map((line) => line.replace(/^(\s*)npx revlog\b/, '$1revlog').replaceAll(/\.ts\b/g, '.js'))
    .join('\n')
}
