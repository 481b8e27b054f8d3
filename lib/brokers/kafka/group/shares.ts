export interface Claim {
  readonly threads: number
  /** Tasks that it has already, of other kinds. */
  readonly before: number
  /** Tasks of this kind that it would keep. */
  readonly wants: number
  /** Tasks without an owner of which it has the state. */
  readonly warm: number
  /** Other tasks that it had and wants to keep, of kinds that are distributed later. */
  readonly rest: number
}

/**
 * How many of `count` more tasks each member gets, so that none has so much that another would have less with one
 * task more: `have(a) / threads(a) <= (have(b) + 1) / threads(b)` for each two, as far as `before` allows.
 *
 * Tasks are handed out one by one to the member for which the next one weighs least. Every balanced distribution is a
 * result of this with some order of equal weights, so that only this order is left to choose: who keeps a task by it
 * first, then who has the state of more orphans, then who has less of another kind to keep, then the earlier in the list.
 */
export function shares(claims: readonly Claim[], count: number): readonly number[] {
  const given = claims.map(() => 0)
  for (let i = 0; i < count; i++) {
    let best = 0
    for (let other = 1; other < claims.length; other++) {
      if (comesBefore(claims[other]!, given[other]!, claims[best]!, given[best]!)) best = other
    }
    given[best]!++
  }
  return given
}

function comesBefore(a: Claim, givenA: number, b: Claim, givenB: number): boolean {
  // Weights as fractions, compared by cross-multiplication: equal ones must be equal.
  const weight = (a.before + givenA + 1) * b.threads - (b.before + givenB + 1) * a.threads
  const keeps = Number(givenB < b.wants) - Number(givenA < a.wants)
  const warms = Number(givenB < b.wants + b.warm) - Number(givenA < a.wants + a.warm)
  return (weight || keeps || warms || b.warm - a.warm || a.rest - b.rest) < 0
}
