import type { CommittedOffset, KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { Plan } from '../../engine/plan.js'
import type { KnownPart } from '../manifest.js'

/**
 * What an application's state was written by, as far as Kafka keeps it: with each position that the group is told
 * goes what the part is called that reads there, and what its stores are. So a changed topology is recognised at its
 * start, on a machine that has never run it, without a topic of its own; and a member of the version before, which
 * runs on during a deployment, says the same.
 */
export interface ReadPart extends KnownPart {
  /** Whether it has a changelog: those without stores have one only under at least once, for their outbox. */
  readonly changelog: boolean
}

/** What the group says of an application's inputs. */
export interface ReadParts {
  readonly parts: readonly ReadPart[]
  /** Topics of which something was read by a part with a changelog, or by one of which nothing is known. */
  readonly begun: ReadonlySet<string>
}

interface About {
  readonly revlog: 1
  readonly part: string
  readonly changelog: boolean
  /** Absent when there are too many to be said. */
  readonly stores?: readonly string[]
}

export const NOTHING_READ: ReadParts = { parts: [], begun: new Set() }
/** Brokers take 4,096 bytes (`offset.metadata.max.bytes`), unless they are told otherwise. */
const MOST_BYTES = 2_048

/** What goes with the positions of a part. */
export function aboutPart(part: string, stores: readonly string[], changelog: boolean): string {
  const short: About = { revlog: 1, part, changelog }
  const whole = JSON.stringify({ ...short, stores } satisfies About)
  return Buffer.byteLength(whole) <= MOST_BYTES ? whole : JSON.stringify(short)
}

/** Whether those who read there, all of them, are known to have kept nothing in a changelog. */
export const keptNothing = (committed: readonly CommittedOffset[]): boolean =>
  committed.every(({ offset, metadata }) => offset === undefined || read(metadata)?.changelog === false)

/** Not the stable positions: a transaction that a killed process has left open ends when its task is taken over. */
export async function readParts(
  client: Pick<KafkaClient, 'committedOffsets'>,
  application: string,
  plan: Plan,
): Promise<ReadParts> {
  const places = plan.tasks.flatMap(({ inputs, partition }) =>
    inputs.map(({ topic }) => ({ topic: topic.name, partition })),
  )
  const committed = await client.committedOffsets(application, places, { requireStable: false })
  const found = new Map<string, { readonly about: About; readonly inputs: Set<string> }>()
  const begun = new Set<string>()
  for (const { topic, offset, metadata } of committed) {
    if (offset === undefined) continue
    const about = read(metadata)
    if (about?.changelog !== false) begun.add(topic)
    if (about === undefined) continue
    const known = found.get(about.part)
    if (known === undefined) found.set(about.part, { about, inputs: new Set([topic]) })
    else known.inputs.add(topic)
  }
  const parts = [...found].map(([name, { about, inputs }]): ReadPart => {
    // Those that were not said are looked at in the changelog.
    const { changelog, stores = storesNow(plan, inputs) } = about
    return { name, changelog, inputs: [...inputs], stores: stores.map((store) => ({ name: store })) }
  })
  return { parts, begun }
}

const storesNow = (plan: Plan, inputs: ReadonlySet<string>): readonly string[] => {
  const task = plan.tasks.find(({ part }) => part.inputs.some(({ topic }) => inputs.has(topic.name)))
  return task?.part.stores.map(({ name }) => name) ?? []
}

/** A position that others have set says nothing. */
function read(metadata: string | undefined): About | undefined {
  if (metadata === undefined) return undefined
  try {
    const about = JSON.parse(metadata) as Partial<About> | null
    if (about?.revlog !== 1 || typeof about.part !== 'string' || typeof about.changelog !== 'boolean') {
      return undefined
    }
    return about as About
  } catch {
    return undefined
  }
}
