import assert from 'node:assert/strict'
import { inputFile } from './input-file.js'
import { type Verifier, verifyAsOf, verifyCount } from './verify.js'
import { readWorkload } from './workload.js'

const RECORDS = 500

const put = (verifier: Verifier, key: string, value: Buffer): void =>
  verifier.output({ topic: 'out', partition: 0, key: Buffer.from(key), value, timestamp: 0, headers: [] })
const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}

describe('the batch computation that answers of a benchmark are compared with', () => {
  it('counts keys, and counts answers that are missing or wrong', () => {
    const file = inputFile('asof-hot', RECORDS)
    const counts = new Map<string, number>()
    for (const { key } of [...readWorkload(file, RECORDS)].flat()) {
      counts.set(String(key), (counts.get(String(key)) ?? 0) + 1)
    }
    const verifier = verifyCount(file, RECORDS)
    assert.equal(verifier.wrong(), counts.size)
    const int = (n: number): Buffer => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(n))
      return bytes
    }
    for (const [key, n] of counts) put(verifier, key, int(n))
    assert.equal(verifier.wrong(), 0)
    const [[key, n]] = counts as unknown as [[string, number]]
    put(verifier, key, int(n + 1))
    assert.equal(verifier.wrong(), 1)
  })

  it('joins as of the event time, and counts answers that are missing or wrong', () => {
    const file = inputFile('asof-hot', RECORDS)
    const all = [...readWorkload(file, RECORDS)].flat().map(({ side, key, value }) => ({
      left: side === 0,
      key: String(key),
      number: value.readDoubleBE(0),
    }))
    const lefts = all.filter(({ left }) => left)
    const verifier = verifyAsOf(file, RECORDS)
    assert.equal(verifier.wrong(), lefts.length)
    for (const { key, number } of lefts) {
      const before = all.filter((other) => !other.left && other.key === key && other.number <= number)
      const expected = before.length === 0 ? Number.NaN : Math.max(...before.map((right) => right.number))
      put(verifier, String(number), float(expected))
    }
    assert.equal(verifier.wrong(), 0)
    for (const { number } of lefts.slice(0, 3)) put(verifier, String(number), float(-2))
    assert.equal(verifier.wrong(), 3)
  })
})
