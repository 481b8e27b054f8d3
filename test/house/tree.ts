import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { readSource, type Source } from './source.js'

/** The project's folder, seen from the compiled tests. */
export const root = join(import.meta.dirname, '..', '..', '..')

/** Every TypeScript file of some folders of the project; a folder that is missing is a complaint of another rule. */
export const sourcesOf = (...folders: readonly string[]): Source[] =>
  folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .map((entry) => join(entry.parentPath, entry.name))
        .map((file) => readSource(relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8'))),
    )

interface Manifest {
  readonly name: string
  readonly bin: { readonly [command: string]: string }
  readonly scripts: { readonly [name: string]: string }
  readonly exports: { readonly [door: string]: string | { readonly types: string; readonly default: string } }
  readonly dependencies: { readonly [name: string]: string }
  readonly optionalDependencies?: { readonly [name: string]: string }
  readonly allowScripts: { readonly [name: string]: boolean }
}

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** `revlog`, `revlog/service`, …: what can be imported. */
export const doors: readonly string[] = Object.keys(manifest.exports)
  .filter((door) => door !== './package.json')
  .map((door) => manifest.name + door.slice(1))

const compiledFrom = (file: string): string => file.replace(/^(?:\.\/)?dist\//, '').replace(/\.js$/, '.ts')

/** The source files that a user can reach: the doors and the command. */
export const entries: readonly string[] = [
  ...Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [compiledFrom(target.default)],
  ),
  ...Object.values(manifest.bin).map(compiledFrom),
  // Started by its name, in a thread of its own.
  'lib/service/kafka/threads/thread.ts',
]
