import { posix } from 'node:path'
import type { Source } from './source.js'

/** A broken rule, as a sentence that names the file. */
export type Complaint = string

/**
 * Which room may import which, as docs/architecture.md shows it. A room may always import itself.
 * `state` stands for its contracts and kinds of store, `state/*` also for the engines under them.
 */
const ROOMS: { readonly [room: string]: readonly string[] } = {
  core: [],
  serdes: ['core'],
  state: ['core', 'serdes'],
  topology: ['core', 'serdes', 'state'],
  operators: ['core', 'serdes', 'state', 'topology'],
  dsl: ['core', 'serdes', 'state', 'topology', 'operators'],
  engine: ['core', 'serdes', 'state', 'topology'],
  brokers: ['core', 'state/*'],
  service: ['core', 'serdes', 'state/*', 'topology', 'engine', 'brokers'],
  cli: ['core', 'topology', 'brokers', 'service'],
  'test-driver': ['core', 'serdes', 'state/*', 'topology', 'engine'],
  /** The door `revlog`: what a topology is composed of. */
  door: ['core', 'serdes', 'state', 'topology', 'operators', 'dsl'],
}

/** Folders of `lib/state` that hold an engine, not a contract. */
const ENGINES = ['lmdb', 'memory']

/** Packages that only one corner of the house knows. */
const CORNERS: { readonly [name: string]: readonly string[] } = {
  lmdb: ['lib/state/lmdb/', 'lib/brokers/embedded/'],
  kafkajs: ['lib/brokers/kafka/'],
  avsc: ['lib/serdes/avro/'],
  lz4: ['lib/brokers/kafka/'],
}

/** Rooms without time, chance, waiting or the outside world: what happens in them depends on their input alone. */
const PURE = ['core', 'topology', 'operators', 'engine']

const BANNED: readonly (readonly [string, RegExp])[] = [
  ['async', /\basync\b/],
  ['await', /\bawait\b/],
  ['Promise', /\bPromise\b/],
  ['Date', /\bDate\b/],
  ['Math.random', /\bMath\s*\.\s*random\b/],
  ['a timer', /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|nextTick|performance)\b/],
  ['the process', /\bprocess\s*\.\s*(?:env|argv|hrtime|on|exit|cwd|memoryUsage|cpuUsage|stdout|stderr)\b/],
  ['the network or the console', /\b(?:fetch|console)\s*[.(]/],
]

export const MAX_LINES = 400

/** The room of a file: a folder of `lib`, `test-driver`, `topologies`, or `door` for the files right in `lib`. */
export function roomOf(path: string): string {
  const [top, second, ...rest] = path.split('/')
  if (top !== 'lib') return top!
  return rest.length === 0 ? 'door' : second!
}

/** The files that a relative import names; `undefined` for a package. */
export function targetOf(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return posix.normalize(posix.join(posix.dirname(source.path), specifier)).replace(/\.js$/, '.ts')
}

export function checkImports(
  sources: readonly Source[],
  packages: {
    readonly name: string
    readonly doors: readonly string[]
    readonly dependencies: readonly string[]
  },
): Complaint[] {
  const files = new Set(sources.map((s) => s.path))
  return sources.flatMap((source) =>
    source.imports.flatMap((specifier) => {
      const complaint = checkImport(source, specifier, files, packages)
      return complaint === undefined ? [] : [`${source.path} imports ${specifier}: ${complaint}`]
    }),
  )
}

function checkImport(
  source: Source,
  specifier: string,
  files: ReadonlySet<string>,
  {
    name,
    doors,
    dependencies,
  }: { readonly name: string; readonly doors: readonly string[]; readonly dependencies: readonly string[] },
): Complaint | undefined {
  const room = roomOf(source.path)
  const target = targetOf(source, specifier)
  if (target !== undefined) {
    if (!files.has(target)) return 'there is no such file'
    const other = roomOf(target)
    if (other === room) return undefined
    if (room === 'topologies') return 'topologies import only the public doors'
    const allowed = ROOMS[room]
    if (allowed === undefined) return `${room} is not a room of the house`
    if (allowed.includes(`${other}/*`)) return undefined
    if (!allowed.includes(other)) return `${room} may not import ${other}`
    if (other === 'state' && ENGINES.includes(target.split('/')[2]!)) {
      return `${room} may import the contracts of state, not its engines`
    }
    return undefined
  }
  if (specifier.startsWith('node:')) return PURE.includes(room) ? `${room} knows no outside world` : undefined
  const pkg = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (pkg === name) {
    if (room !== 'topologies') return 'only topologies go through the doors'
    return doors.includes(specifier) ? undefined : 'there is no such door'
  }
  if (room === 'topologies') return 'topologies import only the public doors'
  if (!dependencies.includes(pkg)) return `${pkg} is not a dependency`
  const corners = CORNERS[pkg]
  if (corners !== undefined && !corners.some((corner) => source.path.startsWith(corner))) {
    return `only ${corners.join(' and ')} may`
  }
  return undefined
}

export const checkBans = (sources: readonly Source[]): Complaint[] =>
  sources
    .filter((source) => source.path.startsWith('lib/') && PURE.includes(roomOf(source.path)))
    .flatMap((source) =>
      BANNED.filter(([, pattern]) => pattern.test(source.code)).map(
        ([what]) =>
          `${source.path} uses ${what}: ${roomOf(source.path)} is handed time, chance and the world`,
      ),
    )

export const checkLength = (sources: readonly Source[]): Complaint[] =>
  sources
    .map((source) => ({ source, lines: source.text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ source, lines }) => `${source.path} has ${lines} lines, at most ${MAX_LINES}: it holds two ideas`)

/** Files that no entry reaches. */
export function checkDead(sources: readonly Source[], entries: readonly string[]): Complaint[] {
  const byPath = new Map(sources.map((s) => [s.path, s]))
  const missing = entries
    .filter((entry) => !byPath.has(entry))
    .map((entry) => `${entry} is a door or a command, and not there`)
  const reached = new Set<string>()
  const visit = (path: string): void => {
    const source = byPath.get(path)
    if (source === undefined || reached.has(path)) return
    reached.add(path)
    for (const specifier of source.imports) {
      const target = targetOf(source, specifier)
      if (target !== undefined) visit(target)
    }
  }
  for (const entry of entries) visit(entry)
  const dead = sources
    .filter((s) => !reached.has(s.path))
    .map((s) => `${s.path} is reached from no door and no command: it is dead`)
  return [...missing, ...dead]
}

/** Rooms that import each other, directly or around a corner. */
export function checkRoomCycles(sources: readonly Source[]): Complaint[] {
  const edges = new Map<string, Set<string>>()
  for (const source of sources) {
    const room = roomOf(source.path)
    const targets = edges.get(room) ?? new Set()
    edges.set(room, targets)
    for (const specifier of source.imports) {
      const target = targetOf(source, specifier)
      if (target !== undefined && roomOf(target) !== room) targets.add(roomOf(target))
    }
  }
  const found: Complaint[] = []
  const done = new Set<string>()
  const visit = (room: string, way: readonly string[]): void => {
    if (way.includes(room)) {
      found.push(`rooms import each other: ${[...way.slice(way.indexOf(room)), room].join(' → ')}`)
      return
    }
    if (done.has(room)) return
    for (const next of edges.get(room) ?? []) visit(next, [...way, room])
    done.add(room)
  }
  for (const room of edges.keys()) visit(room, [])
  return found
}

const TOP_LEVEL = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'lib',
  'topologies',
  'test-driver',
  'test',
  'docs',
  'README.md',
  'LICENSE',
]
/** Made by `npm ci` and by the build, and ignored by git. */
const IGNORED = ['node_modules', 'dist']

export const checkTopLevel = (names: readonly string[]): Complaint[] => [
  ...names
    .filter((name) => !name.startsWith('.') && !TOP_LEVEL.includes(name) && !IGNORED.includes(name))
    .map((name) => `${name} does not belong at the top level`),
  ...TOP_LEVEL.filter((name) => !names.includes(name)).map((name) => `${name} is missing at the top level`),
]
