import { compare } from './assigner.js'
import type { Part } from './member.js'
import { taskId } from './member.js'
import type { MemberData } from './user-data.js'

/**
 * Which variant of each part the group runs.
 *
 * During a rolling deployment members of two versions are in the group, and a part with the same name may do different
 * things in them. Two variants must never run at once: they read the same partitions and write the same changelog.
 * The one that is being run stays, until the last member that knows it has gone; then the newer members, who have
 * waited, get it. When none is being run, the one that most members know is taken, then the one whose fingerprint
 * is smaller. A part that only one version has is run at once by those who have it.
 */
export function chooseVariants(members: readonly MemberData[]): readonly Part[] {
  const variants = new Map<string, { readonly part: Part; known: number; running: number }>()
  for (const { parts, previous } of members) {
    const active = new Set(previous.active)
    for (const part of parts) {
      const key = variantOf(part)
      const variant = variants.get(key) ?? { part, known: 0, running: -1 }
      variants.set(key, variant)
      variant.known++
      const runs = Array.from({ length: part.partitions }, (_, p) => taskId(part.name, p)).some((id) =>
        active.has(id),
      )
      if (runs) variant.running = Math.max(variant.running, previous.generation)
    }
  }
  const chosen = new Map<string, { readonly part: Part; known: number; running: number }>()
  for (const variant of variants.values()) {
    const rival = chosen.get(variant.part.name)
    const better =
      rival === undefined ||
      (variant.running - rival.running ||
        variant.known - rival.known ||
        compare(variantOf(rival.part), variantOf(variant.part))) > 0
    if (better) chosen.set(variant.part.name, variant)
  }
  return [...chosen.values()].map(({ part }) => part).sort((a, b) => compare(a.name, b.name))
}

/** Members may exchange tasks of a part when this is equal. The numbers of partitions belong to it. */
export const variantOf = ({ name, fingerprint, partitions, inputs, stateful }: Part): string =>
  JSON.stringify([
    name,
    fingerprint,
    partitions,
    stateful,
    inputs.map((input) => [input.topic, input.partitions]),
  ])
