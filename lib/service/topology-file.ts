import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, RevlogError } from '../core/errors.js'
import type { Topology } from '../topology/topology.js'
import { type Exports, importTypeScript, isUnsupportedSyntax } from './typescript.js'

/**
 * The topology that a file exports by default. JavaScript as it is; TypeScript as far as this Node runs it.
 *
 * @throws RevlogError `E_FILE_NOT_FOUND`, `E_TYPESCRIPT`, `E_TOPOLOGY_FILE` when the file itself fails,
 *   `E_NOT_A_TOPOLOGY` when it exports something else. A mistake in the topology comes as it was thrown.
 */
export async function loadTopology(path: string): Promise<Topology> {
  const file = resolve(path)
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new RevlogError('E_FILE_NOT_FOUND', `there is no file ${path}`, {
      remedy: 'name the file that exports the topology: export default topology(…)',
    })
  }
  const exported = await imported(path, file)
  const value = defaultOf(exported)
  if (isTopology(value)) return value
  const named = Object.keys(exported).find((name) => name !== 'default' && isTopology(exported[name]))
  throw new RevlogError('E_NOT_A_TOPOLOGY', `${path} ${whatInstead(value)}`, {
    remedy:
      named === undefined
        ? "export one: export default topology('name', [stream.to(topic)])"
        : `export it by default: export default ${named}`,
  })
}

/** In CommonJS, which TypeScript may compile to, the default export is a member of the default export. */
function defaultOf({ default: value }: Exports): unknown {
  const isNested = typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value
  return isNested ? value.default : value
}

async function imported(path: string, file: string): Promise<Exports> {
  try {
    if (/\.[cm]?ts$/.test(file)) return await importTypeScript(file)
    return (await import(pathToFileURL(file).href)) as Exports
  } catch (thrown) {
    if (isRevlogError(thrown)) throw thrown
    throw new RevlogError(
      'E_TOPOLOGY_FILE',
      `${path} cannot be loaded: ${firstLine(thrown)}${place(thrown, file)}`,
      {
        ...remedyFor(thrown),
        cause: thrown,
      },
    )
  }
}

function remedyFor(thrown: unknown): { readonly remedy?: string } {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  const text = messageOf(thrown)
  if (code === 'ERR_MODULE_NOT_FOUND' && /package 'revlog/.test(text)) {
    return { remedy: 'install revlog where the file can find it: npm install revlog' }
  }
  if (code === 'ERR_MODULE_NOT_FOUND') return { remedy: 'install what it imports, or correct the path' }
  if (isUnsupportedSyntax(thrown)) {
    return {
      remedy: 'npm install --save-dev tsx (revlog uses it when it is there), or do without that syntax',
    }
  }
  return {}
}

/** Where in the file it was thrown: `:12:7`, when the stack knows. */
function place(thrown: unknown, file: string): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const at = stack.indexOf(pathToFileURL(file).href)
  const found = at === -1 ? null : /^(:\d+(?::\d+)?)/.exec(stack.slice(at + pathToFileURL(file).href.length))
  return found === null ? '' : ` (at ${file}${found[1]})`
}

const firstLine = (thrown: unknown): string => messageOf(thrown).split('\n')[0]!

/** A topology made by another copy of revlog (the project's own, when the command is installed globally) is one too. */
function isTopology(value: unknown): value is Topology {
  if (typeof value !== 'object' || value === null) return false
  const { name, nodes, subTopologies } = value as Partial<Topology>
  return (
    typeof name === 'string' &&
    typeof nodes?.forEach === 'function' &&
    typeof subTopologies?.map === 'function'
  )
}

/** By name: the file may have a copy of revlog of its own. */
const isRevlogError = (thrown: unknown): boolean =>
  thrown instanceof Error && thrown.name === 'RevlogError' && 'code' in thrown

function whatInstead(value: unknown): string {
  if (value === undefined) return 'has no default export'
  if (typeof value === 'function') return 'exports a function, not a topology: call it'
  const isStream = typeof value === 'object' && value !== null && ('shape' in value || 'node' in value)
  if (isStream) return 'exports a stream or a sink, not a topology'
  if (typeof value === 'object') return 'exports something else than a topology'
  return `exports a ${typeof value}, not a topology`
}
