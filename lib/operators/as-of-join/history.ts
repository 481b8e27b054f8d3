import type { BinaryKey } from '../../core/binary-key.js'
import type { Version } from './entries.js'
import type { Settings } from './options.js'
import type { Rules } from './rules.js'
import type { AsOfState } from './state.js'

/** What is known of the past of the right side: the versions that are visible at the horizon, and what may be gone. */
export function createHistory({ progress, heads, versions }: AsOfState, settings: Settings, rules: Rules) {
  const { tolerance, tombstoneRetention, allowExactMatches } = settings
  /** The version that an event at `t` sees. */
  const versionAt = rules.matches(0, 0, allowExactMatches) ? versions.floor : versions.below

  /** The version that an event at the horizon sees, unless it is only kept because nothing has removed it yet. */
  function visibleFloor(key: BinaryKey): Version | undefined {
    const { horizon } = progress
    const floor = versionAt(key, horizon)
    if (floor === undefined || floor.t + tolerance < horizon) return undefined
    return isForgotten(floor) ? undefined : floor
  }

  const isForgotten = (floor: Version): boolean =>
    floor.bytes === undefined && floor.t + tombstoneRetention < progress.horizon

  /** Whether older versions of the key than the floor may have been purged. A function of the horizon and of what was accepted. */
  function mayHaveLost(key: BinaryKey, t: number): boolean {
    if (tolerance !== Infinity || t < progress.horizon - tombstoneRetention) return true
    const floor = versionAt(key, progress.horizon)
    if (floor === undefined || isForgotten(floor)) return false
    return (heads.get(key)?.note ?? floor.t) < floor.t
  }

  /** A key of which only an old deletion is left begins anew. */
  function forgetDeleted(key: BinaryKey): void {
    if (!versions.hasPages(key)) return
    const floor = versionAt(key, progress.horizon)
    if (floor !== undefined && isForgotten(floor)) versions.removeUpTo(key, floor.t)
  }

  /** A version behind the horizon is of use if no other one stands between it and the horizon. */
  function becomesFloor(key: BinaryKey, version: Version): boolean {
    if (version.t + tolerance < progress.horizon || isForgotten(version)) return false
    const floor = visibleFloor(key)
    if (floor === undefined || version.t > floor.t) return true
    return version.t === floor.t && rules.replaces(version, floor)
  }

  return { versionAt, visibleFloor, mayHaveLost, forgetDeleted, becomesFloor }
}
