import type { Version } from './entries.js'

/**
 * The decisions of the join, apart from how they are carried out: each is one line that a test can get wrong on
 * purpose, to see that the other tests notice.
 */
export interface Rules {
  /** Both sides have got so far. The lesser one: what the slower side has not sent may still come. */
  readonly clock: (leftTime: number, rightTime: number) => number
  /** Whether a version at `t` is known to a left event at `leftTime`. */
  readonly matches: (t: number, leftTime: number, allowExactMatches: boolean) => boolean
  /** Of two versions at one time the later in the log counts, or the one with the greater sequence. */
  readonly replaces: (newer: Version, older: Version) => boolean
  /** The least horizon at which a version is no longer the floor: the one after it answers everything still open. */
  readonly supersededAt: (next: Version | undefined, allowExactMatches: boolean) => number
  /** Whether a left event may still change. */
  readonly isOpen: (t: number, horizon: number) => boolean
}

export const RULES: Rules = Object.freeze({
  clock: Math.min,
  matches: (t: number, leftTime: number, allowExactMatches: boolean) =>
    allowExactMatches ? t <= leftTime : t < leftTime,
  replaces: (newer: Version, older: Version) => newer.sequence >= older.sequence,
  supersededAt: (next: Version | undefined, allowExactMatches: boolean) =>
    next === undefined ? Infinity : allowExactMatches ? next.t : next.t + 1,
  isOpen: (t: number, horizon: number) => t >= horizon,
})
