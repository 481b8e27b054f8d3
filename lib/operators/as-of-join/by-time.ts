/** What a list by time holds: anything with a time. */
export interface Timed {
  readonly t: number
}

/** Nearly always it belongs at the end. */
export function insertAt<E>(entries: E[], at: number, entry: E): void {
  entries.push(entry)
  for (let i = entries.length - 1; i > at; i--) entries[i] = entries[i - 1]!
  entries[at] = entry
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
