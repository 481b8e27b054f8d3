import type { Version } from './entries.js'
import type { Head } from './heads.js'
import type { Settings } from './options.js'
import type { Rules } from './rules.js'
import type { AsOfState } from './state.js'

/** What is known of the past of the right side: the versions that are visible at the horizon, and what may be gone. */
export function createHistory({ progress, versions }: AsOfState, settings: Settings, rules: Rules) {
  const { tolerance, tombstoneRetention, allowExactMatches } = settings
  /** The version that an event at `t` sees. */
  const versionAt = rules.matches(0, 0, allowExactMatches) ? versions.floor : versions.below

  /** The version that an event at the horizon sees, unless it is only kept because nothing has removed it yet. */
  function visibleFloor(head: Head): Version | undefined {
    const { horizon } = progress
    const floor = versionAt(head, horizon)
    if (floor === undefined || floor.t + tolerance < horizon) return undefined
    return isForgotten(floor) ? undefined : floor
  }

  const isForgotten = (floor: Version): boolean =>
    floor.bytes === undefined && floor.t + tombstoneRetention < progress.horizon

  /** Whether older versions of the key than the floor may have been purged. A function of the horizon and of what was accepted. */
  function mayHaveLost(head: Head, t: number): boolean {
    if (tolerance !== Infinity || t < progress.horizon - tombstoneRetention) return true
    const floor = versionAt(head, progress.horizon)
    if (floor === undefined || isForgotten(floor)) return false
    return (head.note ?? floor.t) < floor.t
  }

  /** Behind a deletion that is forgotten a version may begin the key anew: nothing that is newer may hide it. */
  function forgetDeleted(head: Head, t: number): void {
    if (rules.isOpen(t, progress.horizon)) return
    const floor = versionAt(head, progress.horizon)
    if (floor !== undefined && t <= floor.t && isForgotten(floor)) versions.removeUpTo(head, floor.t)
  }

  /** A version behind the horizon is of use if no other one stands between it and the horizon. */
  function becomesFloor(head: Head, version: Version): boolean {
    if (version.t + tolerance < progress.horizon || isForgotten(version)) return false
    const floor = visibleFloor(head)
    if (floor === undefined || version.t > floor.t) return true
    return version.t === floor.t && rules.replaces(version, floor)
  }

  return { versionAt, isForgotten, visibleFloor, mayHaveLost, forgetDeleted, becomesFloor }
}
