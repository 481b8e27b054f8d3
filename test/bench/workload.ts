import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { type LogRecord, NO_HEADERS } from '../../lib/core/record.js'

/**
 * The inputs of the benchmarks: the same bytes on every machine, and the bytes that the other systems were
 * measured with. A record in the file, in order of arrival (integers big-endian):
 *
 *     side u8 (0 left, 1 right) | timestamp u64 ms | key length u16 | key | value length u32 | value
 *
 * Event i happens at START + i ms. 90 % arrive within 50 ms, 10 % up to 2,000 ms late, so the file is out of order
 * by at most 2,000 ms. A value is 100 bytes: its event's number as a float64, then 92 bytes of digits.
 */
export const WORKLOADS = {
  'asof-hot': { keys: 1_000, sides: 2 },
  'asof-wide': { keys: 100_000, sides: 2 },
  count: { keys: 10_000, sides: 1 },
} as const

export type WorkloadName = keyof typeof WORKLOADS

export const START = 1_700_000_000_000
export const GRACE_MS = 2_500

/** mulberry32 */
function createRandom(): () => number {
  let seed = 0x9e3779b9
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function writeWorkload(name: WorkloadName, file: string, records: number): void {
  const { keys, sides } = WORKLOADS[name]
  const random = createRandom()
  const arrival = new Float64Array(records)
  const side = new Uint8Array(records)
  const key = new Uint32Array(records)
  for (let i = 0; i < records; i++) {
    side[i] = sides === 2 && random() < 0.5 ? 1 : 0
    key[i] = Math.floor(random() * keys)
    arrival[i] = i + (random() < 0.9 ? random() * 50 : random() * 2_000)
  }
  const order = Uint32Array.from({ length: records }, (_, i) => i).sort(
    (a, b) => arrival[a]! - arrival[b]! || a - b,
  )
  const fd = openSync(file, 'w')
  const chunk = Buffer.alloc(1 << 20)
  let used = 0
  for (const i of order) {
    if (used + 256 > chunk.length) {
      writeSync(fd, chunk, 0, used)
      used = 0
    }
    const k = `k${String(key[i]).padStart(6, '0')}`
    used = chunk.writeUInt8(side[i]!, used)
    used = chunk.writeBigUInt64BE(BigInt(START + i), used)
    used = chunk.writeUInt16BE(k.length, used)
    used += chunk.write(k, used, 'latin1')
    used = chunk.writeUInt32BE(100, used)
    used = chunk.writeDoubleBE(i, used)
    used += chunk.write(
      String(i * 7919 + 1)
        .padStart(23, '0')
        .repeat(4),
      used,
      'latin1',
    )
  }
  writeSync(fd, chunk, 0, used)
  closeSync(fd)
}

/** One record of the file, as the log of its side holds it. Key and value are the reader's own. */
export interface WorkloadRecord extends LogRecord {
  readonly side: 0 | 1
  readonly key: Buffer
  readonly value: Buffer
}

const CHUNK = 1 << 18

/** The first `limit` records of a file, in order of arrival, a few hundred at a time. */
export function* readWorkload(file: string, limit: number): Generator<readonly WorkloadRecord[]> {
  const fd = openSync(file, 'r')
  try {
    const offsets: [left: number, right: number] = [0, 0]
    let left = limit
    for (let position = 0; left > 0; ) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK)
      const length = readSync(fd, chunk, 0, CHUNK, position)
      const records: WorkloadRecord[] = []
      let at = 0
      while (left > 0) {
        const keyAt = at + 11
        if (keyAt > length) break
        const valueAt = keyAt + chunk.readUInt16BE(at + 9) + 4
        if (valueAt > length) break
        const end = valueAt + chunk.readUInt32BE(valueAt - 4)
        if (end > length) break
        const side = chunk[at] === 0 ? 0 : 1
        records.push({
          side,
          offset: offsets[side]++,
          timestamp: chunk.readUInt32BE(at + 1) * 0x1_0000_0000 + chunk.readUInt32BE(at + 5),
          key: chunk.subarray(keyAt, valueAt - 4),
          value: chunk.subarray(valueAt, end),
          headers: NO_HEADERS,
        })
        at = end
        left--
      }
      if (records.length === 0) return
      position += at
      yield records
    }
  } finally {
    closeSync(fd)
  }
}
