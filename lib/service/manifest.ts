import { RevlogError } from '../core/errors.js'
import type { SubTopology } from '../topology/sub-topology.js'

/**
 * What an application's state was written by: its sub-topologies, each with the name that its state has. It is
 * kept beside the state, so that a changed topology is recognised before it misreads a row or loses a position.
 */
export interface Manifest {
  readonly format: 1
  readonly parts: readonly ManifestPart[]
}

export interface ManifestPart {
  /** Names state and changelog. Never a number: an unrelated edit must not rename state. */
  readonly name: string
  readonly inputs: readonly string[]
  readonly partitions: number
  readonly stores: readonly { readonly name: string; readonly type: string; readonly fingerprint: string }[]
}

export interface Described {
  readonly part: SubTopology
  readonly partitions: number
}

export interface Matched {
  readonly manifest: Manifest
  /** The name of the state of each part. */
  readonly names: ReadonlyMap<SubTopology, string>
}

/**
 * Finds the state of each sub-topology. Two belong together when they share a store or an input topic; then they
 * must have the same stores, with the same contents, and as many partitions. What has no state yet gets a name:
 * of its first store, else of its first input.
 *
 * @throws RevlogError `E_INCOMPATIBLE_TOPOLOGY`, `E_STORE_INCOMPATIBLE`, `E_PARTITION_COUNT_CHANGED`
 */
export function matchManifest(
  application: string,
  known: Manifest | undefined,
  parts: readonly Described[],
): Matched {
  const old = known?.parts ?? []
  const taken = new Map<ManifestPart, SubTopology>()
  const names = new Map<SubTopology, string>()
  const written: ManifestPart[] = []
  for (const { part, partitions } of parts) {
    const now = describe(part, partitions)
    const before = old.filter((candidate) => related(candidate, now))
    const [match, another] = before
    if (another !== undefined) {
      throw incompatible(application, now, `joins what was separate: ${before.map((b) => b.name).join(', ')}`)
    }
    if (match !== undefined) {
      if (taken.has(match)) throw incompatible(application, now, `was one with another part: ${match.name}`)
      taken.set(match, part)
      check(application, match, now)
    }
    const name = match?.name ?? now.name
    names.set(part, name)
    written.push({ ...now, name })
  }
  const left = old.filter((part) => !taken.has(part))
  return { manifest: { format: 1, parts: [...written, ...left] }, names }
}

function describe(part: SubTopology, partitions: number): ManifestPart {
  const inputs = part.inputs.map((input) => input.topic.name)
  const stores = part.stores.map(({ name, type, fingerprint }) => ({ name, type, fingerprint }))
  // "+" is in no name of a store or topic: a part without stores cannot take the name of a store.
  return { name: stores[0]?.name ?? `+${inputs[0]}`, inputs, partitions, stores }
}

const related = (a: ManifestPart, b: ManifestPart): boolean =>
  a.inputs.some((topic) => b.inputs.includes(topic)) ||
  a.stores.some((s) => b.stores.some((t) => t.name === s.name))

function check(application: string, before: ManifestPart, now: ManifestPart): void {
  const without = (a: ManifestPart, b: ManifestPart): readonly string[] =>
    a.stores.filter((s) => !b.stores.some((t) => t.name === s.name)).map((s) => s.name)
  const added = without(now, before)
  const removed = without(before, now)
  if (added.length > 0 || removed.length > 0) {
    const changes = [...added.map((s) => `store ${s} is new`), ...removed.map((s) => `store ${s} is gone`)]
    throw incompatible(application, now, changes.join(', '))
  }
  for (const store of now.stores) {
    const was = before.stores.find((s) => s.name === store.name)!
    if (was.type !== store.type || was.fingerprint !== store.fingerprint) {
      throw new RevlogError(
        'E_STORE_INCOMPATIBLE',
        `${application} kept ${store.name} as ${was.type} ${was.fingerprint}, the topology now has it as ${store.type} ${store.fingerprint}`,
        {
          at: { store: store.name },
          remedy: 'give the changed store another name in a topology of another name, or undo the change',
        },
      )
    }
  }
  if (before.partitions !== now.partitions && now.stores.length > 0) {
    throw new RevlogError(
      'E_PARTITION_COUNT_CHANGED',
      `${now.name} of ${application} was written with ${before.partitions} partitions, its inputs now have ${now.partitions}`,
      {
        remedy: 'keys have moved to other partitions: give the topology another name, so that it starts anew',
      },
    )
  }
}

function incompatible(application: string, part: ManifestPart, change: string): RevlogError {
  return new RevlogError(
    'E_INCOMPATIBLE_TOPOLOGY',
    `${application} has state of another topology: the part that reads ${part.inputs.join(', ')}: ${change}`,
    { remedy: 'undo the change, or give the topology another name, so that it starts anew' },
  )
}
