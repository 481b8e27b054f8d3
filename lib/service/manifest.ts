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

/** As much of it as can be told: Apache Kafka keeps less beside the state than the folder of one machine. */
export interface KnownPart {
  readonly name: string
  readonly inputs: readonly string[]
  readonly partitions?: number
  readonly stores: readonly { readonly name: string; readonly type?: string; readonly fingerprint?: string }[]
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
 * Finds the state of each sub-topology. What has no state yet gets a name: of its first store, else of its first input.
 *
 * @throws RevlogError `E_INCOMPATIBLE_TOPOLOGY`, `E_STORE_INCOMPATIBLE`, `E_PARTITION_COUNT_CHANGED`
 */
export function matchManifest(
  application: string,
  known: Manifest | undefined,
  parts: readonly Described[],
): Matched {
  const old = known?.parts ?? []
  const matches = matchParts(application, old, parts)
  const names = new Map<SubTopology, string>()
  const written = parts.map(({ part, partitions }) => {
    const now = describe(part, partitions)
    const name = matches.get(part)?.name ?? now.name
    names.set(part, name)
    return { ...now, name }
  })
  const taken = new Set(matches.values())
  return { manifest: { format: 1, parts: [...written, ...old.filter((part) => !taken.has(part))] }, names }
}

/**
 * What was known of each sub-topology. Two belong together when they share a store or an input topic; then they
 * must have the same stores, with the same contents, and as many partitions.
 *
 * @throws RevlogError `E_INCOMPATIBLE_TOPOLOGY`, `E_STORE_INCOMPATIBLE`, `E_PARTITION_COUNT_CHANGED`
 */
export function matchParts<P extends KnownPart>(
  application: string,
  old: readonly P[],
  parts: readonly Described[],
): ReadonlyMap<SubTopology, P> {
  const matches = new Map<SubTopology, P>()
  for (const { part, partitions } of parts) {
    const now = describe(part, partitions)
    const before = old.filter((candidate) => related(candidate, now))
    const [match, another] = before
    if (another !== undefined) {
      throw incompatible(application, now, `joins what was separate: ${before.map((b) => b.name).join(', ')}`)
    }
    if (match === undefined) continue
    if ([...matches.values()].includes(match)) {
      throw incompatible(application, now, `was one with another part: ${match.name}`)
    }
    matches.set(part, match)
    check(application, match, now)
  }
  return matches
}

/** What must not change between two sets of stores, in words; `undefined` when nothing has. */
export function changedStores(before: readonly string[], now: readonly string[]): string | undefined {
  const added = now.filter((store) => !before.includes(store)).map((store) => `store ${store} is new`)
  const removed = before.filter((store) => !now.includes(store)).map((store) => `store ${store} is gone`)
  return added.length + removed.length === 0 ? undefined : [...added, ...removed].join(', ')
}

function describe(part: SubTopology, partitions: number): ManifestPart {
  const inputs = part.inputs.map((input) => input.topic.name)
  const stores = part.stores.map(({ name, type, fingerprint }) => ({ name, type, fingerprint }))
  // "+" is in no name of a store or topic: a part without stores cannot take the name of a store.
  return { name: stores[0]?.name ?? `+${inputs[0]}`, inputs, partitions, stores }
}

const related = (a: KnownPart, b: KnownPart): boolean =>
  a.inputs.some((topic) => b.inputs.includes(topic)) ||
  a.stores.some((s) => b.stores.some((t) => t.name === s.name))

function check(application: string, before: KnownPart, now: ManifestPart): void {
  const names = ({ stores }: KnownPart): readonly string[] => stores.map(({ name }) => name)
  const change = changedStores(names(before), names(now))
  if (change !== undefined) throw incompatible(application, now, change)
  for (const store of now.stores) {
    const was = before.stores.find((s) => s.name === store.name)!
    if (was.fingerprint === undefined) continue
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
  const { partitions = now.partitions } = before
  if (partitions !== now.partitions && now.stores.length > 0) {
    throw new RevlogError(
      'E_PARTITION_COUNT_CHANGED',
      `${now.name} of ${application} was written with ${partitions} partitions, its inputs now have ${now.partitions}`,
      {
        remedy: 'keys have moved to other partitions: give the topology another name, so that it starts anew',
      },
    )
  }
}

const incompatible = (application: string, { inputs }: KnownPart, change: string): RevlogError =>
  otherTopology(
    `${application} has state of another topology: the part that reads ${inputs.join(', ')}: ${change}`,
  )

export const otherTopology = (problem: string): RevlogError =>
  new RevlogError('E_INCOMPATIBLE_TOPOLOGY', problem, {
    remedy: 'undo the change, or let it start anew: under another name, or on Apache Kafka with revlog reset',
  })
