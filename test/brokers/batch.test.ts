import assert from 'node:assert/strict'
import {
  createBatchEncoder,
  type Encodable,
  MAX_BATCH_RECORDS,
  TARGET_BATCH_BYTES,
} from '../../lib/brokers/embedded/batch.js'
import { batchInfo, decodeBatch } from '../../lib/brokers/embedded/batch-reader.js'
import type { LogRecord } from '../../lib/core/record.js'
import { createRandom, show } from './support.js'

const ALL = () => ({ records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY })

function decode(bytes: Buffer, offset = 0, budget = ALL()): LogRecord[] {
  const records: LogRecord[] = []
  batchInfo(bytes)
  decodeBatch(bytes, offset, records, budget)
  return records
}

const plain = (value: string, timestamp = 0): Encodable => ({
  timestamp,
  key: undefined,
  value: Buffer.from(value),
  headers: [],
})

describe('a batch', () => {
  it('gives back what was put in: absent and empty keys and values, any time, repeated headers', () => {
    const records: Encodable[] = [
      { timestamp: 0, key: undefined, value: undefined, headers: [] },
      { timestamp: -1, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
      { timestamp: 8_640_000_000_000_000, key: Buffer.from('k'), value: undefined, headers: [] },
      {
        timestamp: 5,
        key: Buffer.alloc(300, 'k'),
        value: Buffer.alloc(20_000, 'v'),
        headers: [
          { key: 'constructor', value: undefined },
          { key: 'ключ', value: Buffer.alloc(0) },
          { key: 'constructor', value: Buffer.from('again') },
        ],
      },
    ]
    const encoder = createBatchEncoder()
    const found: string[] = []
    for (let from = 0; from < records.length; ) {
      const { bytes, count } = encoder.encode(records, from, { baseOffset: 7 + from })
      found.push(...decode(Buffer.from(bytes)).map(show))
      from += count
    }
    assert.deepEqual(
      found,
      records.map((r, i) => show({ ...r, offset: 7 + i })),
    )
  })

  it('keeps the offsets that compaction hands it', () => {
    const records = ['a', 'b', 'c'].map((value) => plain(value))
    const offsets = [3, 10, 2 ** 40]
    const { bytes } = createBatchEncoder().encode(records, 0, { offsets, deleteHorizon: 99 })
    assert.deepEqual(
      decode(bytes).map(({ offset }) => offset),
      offsets,
    )
    const { baseOffset, lastOffset, deleteHorizon } = batchInfo(bytes)
    assert.deepEqual([baseOffset, lastOffset, deleteHorizon], [3, 2 ** 40, 99])
  })

  it('ends at 1,000 records, at 128 KiB, and holds one record of any size', () => {
    const encoder = createBatchEncoder()
    const small = Array.from({ length: 2_500 }, () => plain('x'))
    assert.equal(encoder.encode(small, 0, { baseOffset: 0 }).count, MAX_BATCH_RECORDS)
    const medium = Array.from({ length: 50 }, () => plain('x'.repeat(10_000)))
    assert.equal(encoder.encode(medium, 0, { baseOffset: 0 }).count, Math.floor(TARGET_BATCH_BYTES / 10_000))
    const large = [plain('x'.repeat(5_000_000)), plain('y')]
    assert.equal(encoder.encode(large, 0, { baseOffset: 0 }).count, 1)
  })

  it('is decoded from an offset on, and as far as the limits reach', () => {
    const records = Array.from({ length: 100 }, (_, i) => plain(`value ${i}`))
    const { bytes } = createBatchEncoder().encode(records, 0, { baseOffset: 1_000 })
    const some = decode(bytes, 1_090, { records: 3, bytes: 1_000 })
    assert.deepEqual(
      some.map(({ offset }) => offset),
      [1_090, 1_091, 1_092],
    )
    assert.equal(decode(bytes, 0, { records: 100, bytes: 1 }).length, 1)
  })

  it('that was changed on the disk is recognised, whatever bit it was', () => {
    const records = Array.from({ length: 10 }, (_, i) => plain(`value ${i}`))
    const { bytes } = createBatchEncoder().encode(records, 0, { baseOffset: 0 })
    const random = createRandom(1)
    for (let i = 0; i < 200; i++) {
      const damaged = Buffer.from(bytes)
      const at = random.below(damaged.length)
      damaged[at]! ^= 1 << random.below(8)
      assert.throws(() => decode(damaged), { code: 'E_LOG_CORRUPT' }, `byte ${at}`)
    }
    assert.throws(() => decode(bytes.subarray(0, bytes.length - 1)), { code: 'E_LOG_CORRUPT' })
    assert.throws(() => decode(Buffer.alloc(0)), { code: 'E_LOG_CORRUPT' })
  })
})
