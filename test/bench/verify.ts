import type { ProducerRecord } from '../../lib/core/record.js'
import { readWorkload } from './workload.js'

/** Compares last answers with those of a batch computation over the whole file. */
export interface Verifier {
  readonly output: (record: ProducerRecord) => void
  /** How many last answers are missing or wrong. */
  readonly wrong: () => number
}

/** The as-of join in batch: of the rights of a key, sorted by time, the last one at or before each left. */
export function verifyAsOf(file: string, records: number): Verifier {
  const rights = new Map<string, number[]>()
  const lefts: { readonly key: string; readonly number: number }[] = []
  for (const { side, key, value } of [...readWorkload(file, records)].flat()) {
    const number = value.readDoubleBE(0) // grows with the event time, one event a millisecond
    const k = key.toString('latin1')
    if (side === 0) lefts.push({ key: k, number })
    else rights.set(k, [...(rights.get(k) ?? []), number])
  }
  for (const versions of rights.values()) versions.sort((a, b) => a - b)
  const answers = new Map<string, number>()
  return {
    output: ({ key, value }) => answers.set(key!.toString(), value!.readDoubleBE(value!.length - 8)),
    wrong: () =>
      lefts.filter(({ key, number }) => {
        const expected = rights.get(key)?.findLast((version) => version <= number) ?? Number.NaN
        return !Object.is(answers.get(String(number)), expected)
      }).length,
  }
}

export function verifyCount(file: string, records: number): Verifier {
  const counts = new Map<string, number>()
  for (const { key } of [...readWorkload(file, records)].flat()) {
    const k = key.toString('latin1')
    counts.set(k, (counts.get(k) ?? 0) + 1)
  }
  const answers = new Map<string, number>()
  return {
    output: ({ key, value }) => answers.set(key!.toString(), Number(value!.readBigInt64BE(0))),
    wrong: () => [...counts].filter(([key, n]) => answers.get(key) !== n).length,
  }
}
