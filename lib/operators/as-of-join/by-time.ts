/** What a list by time holds: anything with a time. */
export interface Timed {
  readonly t: number
  /** About how many bytes it takes in a row. Kept, because most entries are not looked at again before they go. */
  readonly size: number
}

/** Of a list without entries. Lists are not shared once they have one: see {@link inserted}. */
export const EMPTY: never[] = []

/**
 * A list with one entry more, at a place that is nearly always the end. Most keys have but a few entries, of a great
 * many keys, and an array that was pushed to has room for seventeen: so short lists are made anew, as long as they
 * have to be.
 */
export function inserted<E>(entries: E[], at: number, entry: E): E[] {
  const { length } = entries
  if (length === 0) return [entry]
  if (length === 1) return at === 1 ? [entries[0]!, entry] : [entry, entries[0]!]
  if (length === 2 && at === 2) return [entries[0]!, entries[1]!, entry]
  entries.push(entry)
  for (let i = length; i > at; i--) entries[i] = entries[i - 1]!
  entries[at] = entry
  return entries
}

/** The place after the last entry with `entry.t <= t`. */
export function placeAfter(entries: readonly Timed[], t: number): number {
  let high = entries.length
  if (high === 0 || entries[high - 1]!.t <= t) return high
  let low = 0
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle]!.t <= t) low = middle + 1
    else high = middle
  }
  return low
}

/** The place of the first entry with `entry.t >= t`. */
export function placeBefore(entries: readonly Timed[], t: number): number {
  let at = placeAfter(entries, t)
  while (at > 0 && entries[at - 1]!.t === t) at--
  return at
}

/** The place nearest to the middle where the time changes; 0 when all are of one time. */
export function cutOf(entries: readonly Timed[]): number {
  if (entries.length < 2) return 0 // one large entry
  const middle = entries.length >> 1
  let cut = middle
  while (cut < entries.length && entries[cut]!.t === entries[cut - 1]!.t) cut++
  if (cut < entries.length) return cut
  cut = middle
  while (cut > 0 && entries[cut]!.t === entries[cut - 1]!.t) cut--
  return cut
}
