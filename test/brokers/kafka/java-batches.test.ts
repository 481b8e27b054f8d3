import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import type { LogRecord } from '../../../lib/core/record.js'
import { decode, encodeOne, fixture } from './batches.js'

const T = 1_700_000_000_000

const bytes = (text: string | undefined): Buffer | undefined =>
  text === undefined ? undefined : Buffer.from(text)

/** The list of `kinds` in fixtures/Fixtures.java. */
const KINDS: readonly LogRecord[] = [
  [T, 'key', 'value'],
  [T + 7, undefined, 'no key'],
  [T - 100_000, 'no value', undefined],
  [0, '', ''],
  [T + 1, 'headers', 'v', 'b', '2', '__proto__', 'p', '1', 'one', 'b', undefined, 'b', '', 'größe', 'ü'],
  [T + 2, 'long', 'revlog '.repeat(300)],
].map(([timestamp, key, value, ...headers], offset) => ({
  offset,
  timestamp: timestamp as number,
  key: bytes(key as string | undefined),
  value: bytes(value as string | undefined),
  headers: Array.from({ length: headers.length / 2 }, (_, i) => ({
    key: headers[2 * i] as string,
    value: bytes(headers[2 * i + 1] as string | undefined),
  })),
}))

const texts = (records: readonly LogRecord[]): string[] => records.map(({ value }) => value!.toString())

describe('what the Java client wrote', () => {
  const readable = 'zstdDecompressSync' in zlib ? ['none', 'gzip', 'lz4', 'zstd'] : ['none', 'gzip', 'lz4']
  for (const compression of readable) {
    it(`is read with ${compression}`, () => {
      const { records, nextOffset } = decode(fixture(compression))
      assert.deepEqual(records, KINDS)
      assert.equal(nextOffset, 6)
    })
  }

  it('is refused by name with snappy, and with zstd where Node has none', () => {
    for (const compression of ['snappy', 'zstd'].filter((name) => !readable.includes(name))) {
      assert.throws(() => decode(fixture(compression)), {
        code: 'E_COMPRESSION',
        message: new RegExp(compression),
      })
    }
  })

  it('is what we write, byte for byte', () => {
    const theirs = fixture('none')
    const producerId = Number(theirs.readBigInt64BE(43))
    const ours = encodeOne(KINDS, { producerId, producerEpoch: 0, baseSequence: 0 })
    // The broker has put in the epoch of the leader, which is not under the checksum.
    ours.writeInt32BE(theirs.readInt32BE(12), 12)
    assert.deepEqual(ours, theirs)
  })

  it('has the broker’s time where the topic says so', () => {
    const { records } = decode(fixture('append-time'))
    assert.equal(records.length, 2)
    assert.ok(records.every(({ timestamp }) => timestamp === records[0]!.timestamp && timestamp > T))
  })

  it('in transactions is read as far as it was committed', () => {
    const aborted = [
      { producerId: 9, firstOffset: 1 },
      { producerId: 8, firstOffset: 8 },
    ]
    const committed = decode(fixture('transactions'), { aborted })
    assert.deepEqual(texts(committed.records), [
      'committed 1',
      'committed 2',
      'committed after an abort',
      'plain',
    ])
    assert.equal(committed.nextOffset, 11)
    assert.deepEqual(texts(decode(fixture('transactions')).records), [
      'committed 1',
      'aborted 1',
      'committed 2',
      'aborted 2',
      'committed after an abort',
      'aborted',
      'plain',
    ])
  })
})
