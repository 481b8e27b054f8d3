import { type Input, inputOf } from './input.js'
import type { Advice } from './topology.js'

/** What everything must add up to when the first `n` inputs are known from the start. */
export interface Truth {
  readonly advice: ReadonlyMap<string, Advice>
  readonly spent: ReadonlyMap<string, number>
  readonly answered: ReadonlyMap<string, number>
  readonly lefts: readonly Input[]
  readonly rights: readonly Input[]
}

export function truthOf(n: number): Truth {
  const inputs = Array.from({ length: n }, (_, i) => inputOf(i))
  const lefts = inputs.filter((input) => input.side === 'left')
  const rights = inputs.filter((input) => input.side === 'right')
  // Of versions at one time the later in the log counts; sorting is stable, so it comes last.
  const versions = groupedByConsultant(rights)
  for (const own of versions.values()) own.sort((a, b) => a.value.at - b.value.at)
  const advice = new Map<string, Advice>()
  const spent = new Map<string, number>()
  const answered = new Map<string, number>()
  for (const { consultant, value } of lefts) {
    const own = versions.get(consultant) ?? []
    let low = 0
    for (let high = own.length; low < high; ) {
      const middle = (low + high) >> 1
      if (own[middle]!.value.at <= value.at) low = middle + 1
      else high = middle
    }
    const mood = own[low - 1]?.value.mood ?? 'unknown'
    advice.set(value.id, { id: value.id, consultant, price: value.price, mood })
    spent.set(mood, (spent.get(mood) ?? 0) + value.price)
    answered.set(consultant, (answered.get(consultant) ?? 0) + 1)
  }
  return { advice, spent, answered, lefts, rights }
}

function groupedByConsultant<I extends Input>(inputs: readonly I[]): Map<string, I[]> {
  const groups = new Map<string, I[]>()
  for (const input of inputs) {
    const group = groups.get(input.consultant)
    if (group === undefined) groups.set(input.consultant, [input])
    else group.push(input)
  }
  return groups
}
