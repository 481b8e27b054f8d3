import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { RevlogError } from '../core/errors.js'

/** What an imported module exports, by name. */
export interface Exports {
  readonly [name: string]: unknown
}

/** Whether this Node imports `.ts` files by itself: 22.18 and newer do. */
const ownTypeScript = (): boolean =>
  Boolean((process.features as { readonly typescript?: unknown }).typescript)

/**
 * Imports a TypeScript file: by Node itself where it can, else by `tsx`, if that is installed where the file is or
 * where the command was started.
 *
 * @throws RevlogError `E_TYPESCRIPT` naming the one thing to install; and what the file itself throws
 */
export async function importTypeScript(file: string): Promise<Exports> {
  const { href } = pathToFileURL(file)
  if (ownTypeScript()) {
    try {
      return (await import(href)) as Exports
    } catch (thrown) {
      const tsx = isUnsupportedSyntax(thrown) ? findTsx(file) : undefined
      if (tsx === undefined) throw thrown
      return importWith(tsx, href)
    }
  }
  const tsx = findTsx(file)
  if (tsx !== undefined) return importWith(tsx, href)
  throw new RevlogError(
    'E_TYPESCRIPT',
    `Node ${process.versions.node} cannot run TypeScript by itself (${file})`,
    {
      remedy: 'npm install --save-dev tsx (revlog uses it when it is there), or use Node 22.18 or newer',
    },
  )
}

/** Node erases types; what makes code of its own (an enum, a namespace) it does not run. */
export const isUnsupportedSyntax = (thrown: unknown): boolean =>
  (thrown as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'

async function importWith(tsx: string, url: string): Promise<Exports> {
  const { tsImport } = (await import(pathToFileURL(tsx).href)) as {
    readonly tsImport: (specifier: string, options: { readonly parentURL: string }) => Promise<Exports>
  }
  return tsImport(url, { parentURL: url })
}

/** The module that `import 'tsx/esm/api'` in `file` means. Only `require` can be asked from here, and means another. */
function findTsx(file: string): string | undefined {
  for (const from of [file, join(process.cwd(), 'file.js')]) {
    try {
      const manifest = createRequire(from).resolve('tsx/package.json')
      const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as {
        readonly exports: { readonly './esm/api': { readonly import: { readonly default: string } } }
      }
      return join(dirname(manifest), exports['./esm/api'].import.default)
    } catch {
      // Not installed there, or too old to have this: ask the next place.
    }
  }
  return undefined
}
