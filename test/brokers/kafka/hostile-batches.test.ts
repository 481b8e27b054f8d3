import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { compressFrame, decompressFrame } from '../../../lib/brokers/kafka/wire/lz4-frame.js'
import { AT, BATCH_HEADER_BYTES, LENGTH_END } from '../../../lib/brokers/kafka/wire/record-batch.js'
import { RevlogError } from '../../../lib/core/errors.js'
import { createRandom } from '../support.js'
import { decode, encodeOne, randomRecord, record, seal } from './batches.js'

const CODES = ['E_CORRUPT_BATCH', 'E_BATCH_FORMAT', 'E_COMPRESSION', 'E_BATCH_TOO_LARGE']

/** What decoding says: the number of records, or the code of the error. Anything else fails the test. */
function outcome(bytes: Buffer, what: string, maxBatchBytes = 1 << 20): number | string {
  try {
    const { records, nextOffset } = decode(bytes, { aborted: [], maxBatchBytes })
    assert.ok(Number.isSafeInteger(nextOffset) && nextOffset >= 0, what)
    return records.length
  } catch (error) {
    assert.ok(error instanceof RevlogError && CODES.includes(error.code), `${what}: ${error}`)
    assert.deepEqual([error.at.topic, error.at.partition], ['moods', 3], what)
    assert.equal(typeof error.at.offset, 'number', what)
    return error.code
  }
}

function sample(seed: number, compression: 'none' | 'gzip' | 'lz4'): Buffer {
  const random = createRandom(seed)
  const records = Array.from({ length: 4 }, () => ({ ...randomRecord(random), timestamp: 1_700_000_000_000 }))
  return encodeOne(records, { compression })
}

/** A compressed batch around bytes that are no records. */
function wrap(codec: number, content: Buffer, count = 1): Buffer {
  const batch = Buffer.concat([encodeOne([record()]).subarray(0, BATCH_HEADER_BYTES), content])
  batch.writeInt32BE(batch.length - LENGTH_END, AT.length)
  batch.writeInt16BE(codec, AT.attributes)
  batch.writeInt32BE(count, AT.count)
  batch.writeInt32BE(count - 1, AT.lastOffsetDelta)
  return seal(batch)
}

describe('bytes of a partition that are not to be trusted', () => {
  for (const compression of ['none', 'gzip', 'lz4'] as const) {
    const first = sample(1, compression)
    const second = sample(2, compression)
    second.writeBigInt64BE(4n, AT.baseOffset)
    const both = Buffer.concat([first, second])

    it(`are cut off anywhere (${compression})`, () => {
      for (let cut = 0; cut < both.length; cut++) {
        const found = outcome(both.subarray(0, cut), `cut after ${cut}`)
        const expected = cut === 0 ? 0 : cut < first.length ? 'E_CORRUPT_BATCH' : 4
        assert.equal(found, expected, `cut after ${cut}`)
      }
    })

    it(`have any bit flipped: never a record that was not written (${compression})`, () => {
      const whole = JSON.stringify(decode(first).records)
      for (let at = 0; at < first.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const bytes = Buffer.from(first)
          bytes[at]! ^= 1 << bit
          const found = outcome(bytes, `bit ${bit} of byte ${at}`)
          // Offset and leader epoch are not under the checksum: a broker writes them after the producer.
          if (typeof found === 'number') assert.ok(at < AT.magic, `bit ${bit} of byte ${at}`)
        }
      }
      assert.equal(JSON.stringify(decode(first).records), whole)
    })

    it(`have any byte changed and a right checksum (${compression})`, () => {
      const random = createRandom(3)
      for (let at = AT.attributes; at < first.length; at++) {
        for (const value of [0, 1, 0x7f, 0x80, 0xff, random.below(256)]) {
          const bytes = Buffer.from(first)
          bytes[at] = value
          outcome(seal(bytes), `byte ${at} is ${value}`)
        }
      }
    })
  }

  it('are random, after a right beginning', () => {
    const random = createRandom(4)
    for (let i = 0; i < 3_000; i++) {
      const content = Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)))
      outcome(wrap(random.below(8), content, 1 + random.below(20)), `round ${i}`)
    }
  })

  it('promise more records, headers or bytes than they have', () => {
    const batch = encodeOne([record({ headers: [{ key: 'a', value: Buffer.from('b') }] })])
    batch.writeInt32BE(2 ** 31 - 1, AT.lastOffsetDelta)
    batch.writeInt32BE(2 ** 31 - 1, AT.count)
    assert.equal(outcome(seal(batch), 'count'), 'E_CORRUPT_BATCH')
    for (let at = BATCH_HEADER_BYTES; at < batch.length; at++) {
      const bytes = Buffer.concat([
        batch.subarray(0, at),
        Buffer.from('fffffff70f', 'hex'),
        batch.subarray(at + 1),
      ])
      bytes.writeInt32BE(bytes.length - LENGTH_END, AT.length)
      bytes.writeInt32BE(0, AT.lastOffsetDelta)
      bytes.writeInt32BE(1, AT.count)
      outcome(seal(bytes), `a great number at ${at}`)
    }
  })

  it('have numbers that never end', () => {
    for (const length of [5, 6, 10, 11, 100]) {
      assert.equal(outcome(wrap(0, Buffer.alloc(length, 0xff)), `${length} bytes`), 'E_CORRUPT_BATCH')
    }
  })

  it('have a length that is negative, or too small for a batch', () => {
    for (const length of [-1, -(2 ** 31), 0, 48]) {
      const batch = encodeOne([record()])
      batch.writeInt32BE(length, AT.length)
      assert.equal(outcome(batch, `length ${length}`), 'E_CORRUPT_BATCH')
    }
  })

  it('have offsets that go back, or beyond what numbers can count', () => {
    const back = Buffer.concat([encodeOne([record()], {}, 5), encodeOne([record()], {}, 5)])
    assert.equal(outcome(back, 'the same offset twice'), 'E_CORRUPT_BATCH')
    for (const offset of [-1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      const batch = encodeOne([record()])
      batch.writeBigInt64BE(offset, AT.baseOffset)
      assert.equal(outcome(batch, `offset ${offset}`), 'E_CORRUPT_BATCH')
    }
  })
})

describe('compressed bytes that are not to be trusted', () => {
  const limit = 1 << 20

  it('hold far more than they seem: gzip', () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    assert.ok(bomb.length < 100_000)
    assert.equal(outcome(wrap(1, bomb), 'gzip', limit), 'E_BATCH_TOO_LARGE')
  })

  it('hold far more than they seem: LZ4', () => {
    const bomb = compressFrame(Buffer.alloc(64 << 20), 0, 64 << 20)
    const before = process.memoryUsage().arrayBuffers
    assert.equal(outcome(wrap(3, bomb), 'lz4', limit), 'E_BATCH_TOO_LARGE')
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * limit)
  })

  it('use a codec that cannot be read here: it is named, with its topic and what to do', () => {
    assert.throws(
      () => decode(wrap(2, Buffer.from('x'))),
      (error: RevlogError) =>
        error.code === 'E_COMPRESSION' && /snappy/.test(error.problem) && /moods/.test(error.remedy!),
    )
    for (const codec of [5, 6, 7])
      assert.equal(outcome(wrap(codec, Buffer.from('x')), `codec ${codec}`), 'E_CORRUPT_BATCH')
  })

  it('are an LZ4 frame with any byte changed: ends, and stays within its limit', () => {
    const random = createRandom(5)
    const text = Buffer.from('revlog corrects itself, revlog corrects itself. '.repeat(40))
    const frame = compressFrame(text, 0, text.length)
    for (let at = 0; at < frame.length; at++) {
      for (const value of [0, 1, 0x0f, 0xf0, 0xff, random.below(256)]) {
        const bytes = Buffer.from(frame)
        bytes[at] = value
        const found = decompressFrame(bytes, 0, bytes.length, 100_000)
        assert.ok(typeof found === 'string' || found.length <= 100_000)
      }
      assert.equal(decompressFrame(frame, 0, at, 100_000), 'corrupt', `cut after ${at}`)
    }
  })
})

describe('an LZ4 frame', () => {
  const roundTrip = (bytes: Buffer): Buffer | string => {
    const frame = compressFrame(bytes, 0, bytes.length)
    return decompressFrame(frame, 0, frame.length, bytes.length)
  }

  it('gives back what was put in, of any size and kind', () => {
    const random = createRandom(6)
    for (const size of [0, 1, 4, 5, 11, 12, 13, 16, 255, 270, 65_535, 65_536, 65_537, 200_000]) {
      const kinds = [
        Buffer.alloc(size),
        Buffer.from(Array.from({ length: size }, () => random.below(256))),
        Buffer.from(Array.from({ length: size }, () => random.below(3))),
        Buffer.from(Array.from({ length: size }, (_, i) => (i % 300 < 250 ? i % 7 : random.below(256)))),
      ]
      for (const [kind, bytes] of kinds.entries()) {
        const found = roundTrip(bytes)
        assert.ok(Buffer.isBuffer(found) && found.equals(bytes), `${size} bytes of kind ${kind}`)
      }
    }
  })

  it('is read with larger blocks that depend on each other, checksums and sizes, as other clients write it', () => {
    // Flags: blocks depend on each other, block checksums, content size, content checksum. Blocks of 4 MiB.
    const start = Buffer.from('04224d185c70', 'hex')
    const size = Buffer.from('0c00000000000000', 'hex')
    const one = Buffer.from([0x50, ...Buffer.from('abcde')])
    // No literals, 7 bytes from 5 back: into the block before; then the last literals, of which there are none.
    const two = Buffer.from([0x03, 5, 0, 0x00])
    const block = (bytes: Buffer): Buffer => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return Buffer.concat([length, bytes, Buffer.alloc(4)])
    }
    const frame = Buffer.concat([
      start,
      size,
      Buffer.alloc(1),
      block(one),
      block(two),
      Buffer.alloc(4),
      Buffer.alloc(4),
    ])
    const found = decompressFrame(frame, 0, frame.length, 100)
    assert.equal(found.toString(), 'abcdeabcdeab')
  })

  it('makes what repeats small', () => {
    const text = Buffer.from('{"user":4711,"mood":"fine"}'.repeat(1_000))
    assert.ok(compressFrame(text, 0, text.length).length < text.length / 50)
  })
})
