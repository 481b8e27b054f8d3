import type { Schedule, Step } from './schedule.js'

/**
 * A shorter schedule that still fails: first without faults and batches, then with fewer and fewer records (delta
 * debugging: pieces are left out as long as it goes on failing). Tries at most `budget` runs.
 */
export function minimise(schedule: Schedule, fails: (s: Schedule) => boolean, budget: number): Schedule {
  let left = budget
  const stillFails = (candidate: Schedule): boolean => {
    if (left <= 0) return false
    left--
    return fails(candidate)
  }
  let best = schedule
  const attempt = (candidate: Schedule): boolean => {
    if (!stillFails(candidate)) return false
    best = candidate
    return true
  }

  attempt({ ...best, commitEvery: 1 })
  attempt({ ...best, steps: best.steps.filter((s) => s.kind === 'arrive' || s.kind === 'process') })
  attempt({ ...best, steps: processEach(best.steps) })
  for (let size = Math.ceil(best.steps.length / 2); size >= 1 && left > 0; ) {
    let removed = false
    for (let at = best.steps.length - size; at > -size && left > 0; at -= size) {
      const from = Math.max(0, at)
      const steps = best.steps.filter((_, i) => i < from || i >= at + size)
      if (steps.length < best.steps.length && attempt({ ...best, steps })) removed = true
    }
    if (size === 1 && !removed) break
    size = removed && size === 1 ? 1 : Math.max(1, Math.floor(size / 2))
  }
  return best
}

const processEach = (steps: readonly Step[]): readonly Step[] =>
  steps.flatMap((step): Step[] =>
    step.kind === 'process' ? [] : step.kind === 'arrive' ? [step, { kind: 'process' }] : [step],
  )
