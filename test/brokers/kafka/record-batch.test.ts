import assert from 'node:assert/strict'
import { crc32c } from '../../../lib/brokers/kafka/wire/crc32c.js'
import { createBatchReader } from '../../../lib/brokers/kafka/wire/decode-batches.js'
import {
  checkRecord,
  createBatchEncoder,
  type EncodableRecord,
} from '../../../lib/brokers/kafka/wire/encode-batch.js'
import { AT, CONTROL, LOG_APPEND_TIME, TRANSACTIONAL } from '../../../lib/brokers/kafka/wire/record-batch.js'
import { createSlab } from '../../../lib/brokers/kafka/wire/slab.js'
import type { LogRecord } from '../../../lib/core/record.js'
import { createRandom } from '../support.js'
import {
  decode,
  encodeOne,
  FROM_START,
  logged,
  PLAIN,
  type Random,
  randomRecord,
  record,
  seal,
} from './batches.js'
import { kafkajsDecode, kafkajsEncode } from './kafkajs-codec.js'

/** REVLOG_WIRE_SEEDS=20000 tries more. */
const { REVLOG_WIRE_SEEDS } = process.env
const SEEDS = Number(REVLOG_WIRE_SEEDS ?? 200)

/** As kafkajs' decoder shows it, without the headers, which it damages. */
const asKafkajs = ({ key, value, timestamp }: EncodableRecord, i: number) => ({
  offset: String(i),
  timestamp: String(timestamp),
  key: key ?? null,
  value: value ?? null,
})

/** kafkajs writes headers by name, and integers first. */
function asWrittenByKafkajs(r: EncodableRecord): EncodableRecord {
  const names = [...new Set(r.headers.map(({ key }) => key))]
  names.sort((a, b) => Number(b === '1') - Number(a === '1'))
  const headers = names.flatMap((name) =>
    r.headers
      .filter(({ key }) => key === name)
      .map(({ key, value }) => ({ key, value: value ?? Buffer.alloc(0) })),
  )
  return { ...r, headers }
}

const someRecords = (random: Random): EncodableRecord[] => {
  const records = Array.from({ length: 1 + random.below(30) }, () => randomRecord(random))
  // Times that far apart do not share a batch; another test has them.
  const far = (time: number): boolean => Math.abs(time) > 2 ** 50
  return records.map((r) => (far(r.timestamp) ? { ...r, timestamp: 5 } : r))
}

describe('a record batch', () => {
  it('comes back as it was, with every compression, whatever the records are', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const records = someRecords(createRandom(seed))
      for (const compression of ['none', 'gzip', 'lz4'] as const) {
        const { records: found, nextOffset } = decode(encodeOne(records, { compression }, 1_000))
        assert.deepEqual(found, logged(records, 1_000), `seed ${seed}, ${compression}`)
        assert.equal(nextOffset, 1_000 + records.length)
      }
    }
  })

  it('is read by kafkajs as we wrote it', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const records = someRecords(createRandom(seed))
      for (const compression of ['none', 'gzip'] as const) {
        const batch = encodeOne(records, {
          compression,
          producerId: 7,
          producerEpoch: 2,
          baseSequence: 9,
          transactional: true,
        })
        const found = await kafkajsDecode(batch)
        assert.deepEqual(
          found.map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value })),
          records.map(asKafkajs),
          `seed ${seed}, ${compression}`,
        )
        const { producerId, firstSequence, inTransaction } = found[0]!.batchContext
        assert.deepEqual([producerId, firstSequence, inTransaction], ['7', 9, true])
      }
    }
  })

  it('of kafkajs is read by us, headers too', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const records = someRecords(createRandom(seed))
      for (const gzip of [false, true]) {
        const { records: found } = decode(await kafkajsEncode(records, gzip))
        assert.deepEqual(found, logged(records.map(asWrittenByKafkajs)), `seed ${seed}, gzip ${gzip}`)
      }
    }
  })

  it('is byte for byte what kafkajs writes', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const records = someRecords(createRandom(seed)).map(asWrittenByKafkajs)
      const theirs = await kafkajsEncode(records)
      // No leader's epoch is 0 to kafkajs and -1 to the Java client, and so on.
      const ours = encodeOne(records, { producerEpoch: 0, baseSequence: 0 })
      theirs.writeInt32BE(-1, AT.leaderEpoch)
      assert.deepEqual(ours, theirs, `seed ${seed}`)
    }
  })

  it('has no more bytes and records than it may, and at least one', () => {
    const records = Array.from({ length: 100 }, (_, i) =>
      record({ value: Buffer.alloc(i === 50 ? 5_000 : 90) }),
    )
    const encoder = createBatchEncoder()
    const slab = createSlab(16)
    const counts: number[] = []
    for (let from = 0; from < records.length; ) {
      const { bytes, count } = encoder.encode(slab, records, from, {
        ...PLAIN,
        maxBytes: 1_000,
        maxRecords: 7,
      })
      assert.ok(bytes.length <= 1_000 || count === 1)
      counts.push(count)
      from += count
    }
    assert.deepEqual(counts.slice(0, 8), [7, 7, 7, 7, 7, 7, 7, 1])
    assert.equal(counts[8], 1, 'the large record is alone')
  })

  it('ends where times are too far apart for their difference', () => {
    const times = [0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1]
    const records = times.map((timestamp) => record({ timestamp }))
    const encoder = createBatchEncoder()
    const slab = createSlab(16)
    const found: number[] = []
    for (let from = 0; from < records.length; ) {
      const { bytes, count } = encoder.encode(slab, records, from, PLAIN)
      found.push(...decode(bytes).records.map(({ timestamp }) => timestamp))
      from += count
    }
    assert.deepEqual(found, times)
  })

  it('writes into memory that it has used before without disturbing a batch of the same round', () => {
    const encoder = createBatchEncoder()
    const slab = createSlab(16)
    const batches = [1, 2, 3].map((n) => {
      const records = Array.from({ length: 50 }, () => record({ value: Buffer.alloc(100, n) }))
      return { records, bytes: encoder.encode(slab, records, 0, PLAIN).bytes }
    })
    for (const { records, bytes } of batches) assert.deepEqual(decode(bytes).records, logged(records))
  })
})

describe('reading the batches of an answer', () => {
  const at = (offset: number, ...values: string[]): Buffer =>
    encodeOne(
      values.map((value) => record({ value: Buffer.from(value) })),
      {},
      offset,
    )
  const valuesOf = ({ records }: ReturnType<typeof decode>): string[] =>
    records.map(({ value }) => value!.toString())

  it('begins at the offset that was asked for, inside a batch too', () => {
    const bytes = Buffer.concat([at(10, 'a', 'b', 'c'), at(13, 'd')])
    const found = decode(bytes, { offset: 12 })
    assert.deepEqual(valuesOf(found), ['c', 'd'])
    assert.equal(found.nextOffset, 14)
  })

  it('goes on past batches that compaction has emptied', () => {
    const emptied = (offset: number, lastDelta: number): Buffer => {
      const bytes = Buffer.from(at(offset, 'x').subarray(0, 61))
      bytes.writeInt32BE(bytes.length - 12, AT.length)
      bytes.writeInt32BE(lastDelta, AT.lastOffsetDelta)
      bytes.writeInt32BE(0, AT.count)
      return seal(bytes)
    }
    const found = decode(Buffer.concat([emptied(0, 4), emptied(5, 0), at(9, 'a'), emptied(10, 20)]))
    assert.deepEqual(valuesOf(found), ['a'])
    assert.equal(found.nextOffset, 31)
  })

  it('leaves a last batch that is cut off for the next fetch, wherever it is cut', () => {
    const whole = at(0, 'a')
    const next = at(1, 'b')
    for (let cut = 0; cut < next.length; cut++) {
      const found = decode(Buffer.concat([whole, next.subarray(0, cut)]))
      assert.deepEqual([valuesOf(found), found.nextOffset], [['a'], 1], `cut after ${cut}`)
    }
  })

  it('refuses a first batch that is cut off: a broker sends it whole, and waiting would be for ever', () => {
    const whole = at(7, 'a')
    for (let cut = 1; cut < whole.length; cut++) {
      assert.throws(() => decode(whole.subarray(0, cut), { offset: 7 }), {
        code: 'E_CORRUPT_BATCH',
        at: { topic: 'moods', partition: 3, offset: 7 },
      })
    }
  })

  it('stops after the batch that reaches the limit of what may be in memory', () => {
    const bytes = Buffer.concat([at(0, 'a'), at(1, 'b'.repeat(100)), at(2, 'c')])
    const found = decode(bytes, { maxDecodedBytes: 50 })
    assert.deepEqual([found.records.length, found.nextOffset], [2, 2])
  })

  it('gives the broker’s time where the topic has it', () => {
    const bytes = at(0, 'a', 'b')
    bytes.writeInt16BE(LOG_APPEND_TIME, AT.attributes)
    bytes.writeBigInt64BE(77n, AT.maxTimestamp)
    assert.deepEqual(
      decode(seal(bytes)).records.map(({ timestamp }) => timestamp),
      [77, 77],
    )
  })

  it('leaves out what was aborted, and the marks of transactions', () => {
    const written = (offset: number, producerId: number, value: string): Buffer =>
      encodeOne([record({ value: Buffer.from(value) })], { producerId, transactional: true }, offset)
    const mark = (offset: number, producerId: number, type: number): Buffer => {
      const bytes = encodeOne(
        [record({ key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6) })],
        { producerId },
        offset,
      )
      bytes.writeInt16BE(TRANSACTIONAL | CONTROL, AT.attributes)
      return seal(bytes)
    }
    const bytes = Buffer.concat([
      written(0, 1, 'aborted'),
      written(1, 2, 'committed'),
      at(2, 'plain'),
      mark(3, 1, 0),
      mark(4, 2, 1),
      written(5, 1, 'later, committed'),
      mark(6, 1, 1),
      written(7, 2, 'later, aborted'),
    ])
    const aborted = [
      { producerId: 2, firstOffset: 7 },
      { producerId: 1, firstOffset: 0 },
    ]
    const committed = decode(bytes, { aborted })
    assert.deepEqual(valuesOf(committed), ['committed', 'plain', 'later, committed'])
    assert.equal(committed.nextOffset, 8)
    const reader = createBatchReader(bytes, { ...FROM_START, aborted })
    const pieces: LogRecord[] = []
    for (let found = reader.next(1); found !== undefined; found = reader.next(1))
      pieces.push(...found.records)
    assert.deepEqual(pieces, committed.records, 'also when they are read piece by piece')
    assert.equal(reader.endOffset, 8)
    assert.equal(decode(bytes).records.length, 5, 'uncommitted: all but the marks')
  })

  it('keeps little alive beside a value that is kept', () => {
    const records = Array.from({ length: 3_000 }, (_, i) => record({ value: Buffer.alloc(100, i) }))
    const { records: found } = decode(encodeOne(records))
    assert.ok(Math.max(...found.map(({ value }) => value!.buffer.byteLength)) <= 64 * 1024)
    const [large] = decode(encodeOne([record({ value: Buffer.alloc(200_000) })])).records
    assert.ok(large!.value!.buffer.byteLength < 201_000)
  })

  it('refuses formats of long ago by name', () => {
    for (const magic of [0, 1]) {
      const bytes = at(0, 'a')
      bytes[AT.magic] = magic
      assert.throws(() => decode(bytes), {
        code: 'E_BATCH_FORMAT',
        at: { topic: 'moods', partition: 3, offset: 0 },
      })
    }
  })

  it('adds times as 64-bit integers', async () => {
    const bytes = at(0, 'a')
    bytes.writeBigInt64BE(-(2n ** 63n), AT.baseTimestamp)
    assert.equal(decode(seal(bytes)).records[0]!.timestamp, -(2 ** 63))
  })
})

describe('a record is refused before anything is sent', () => {
  const placed = (fields: Partial<EncodableRecord>) => ({ ...record(fields), topic: 'moods', partition: 3 })
  const at = { topic: 'moods', partition: 3 }

  it('when it needs a batch that is larger than the topic takes: to the byte', () => {
    for (const size of [10, 1_000, 100_000]) {
      const fields = {
        key: Buffer.from('key'),
        value: Buffer.alloc(size),
        headers: [{ key: 'ü', value: undefined }],
      }
      const exact = encodeOne([record(fields)]).length
      assert.doesNotThrow(() => checkRecord(placed(fields), 3, 17, exact))
      assert.throws(() => checkRecord(placed(fields), 3, 17, exact - 1), {
        code: 'E_RECORD_TOO_LARGE',
        message: /record 17 /,
        at,
      })
    }
  })

  it('when its time is no whole number of milliseconds', () => {
    for (const timestamp of [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => checkRecord(placed({ timestamp }), 3, 17, 1_000), {
        code: 'E_RECORD_TIMESTAMP',
        message: /record 17 /,
        at,
      })
    }
  })
})

describe('crc32c', () => {
  it('is Castagnoli’s', () => assert.equal(crc32c(Buffer.from('123456789'), 0, 9), 0xe306_9283))

  it('is the same however the bytes lie in memory', () => {
    const random = createRandom(1)
    const bytes = Buffer.from(Array.from({ length: 500 }, () => random.below(256)))
    const bitwise = (from: number, to: number): number => {
      let crc = -1
      for (let i = from; i < to; i++) {
        crc ^= bytes[i]!
        for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
      }
      return ~crc >>> 0
    }
    for (let from = 0; from < 40; from++) {
      for (const to of [from, from + 1, from + 31, from + 32, from + 33, 500]) {
        assert.equal(crc32c(bytes, from, to), bitwise(from, to))
      }
    }
  })
})
