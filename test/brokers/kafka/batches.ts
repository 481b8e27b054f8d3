import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from '../../../lib/brokers/kafka/wire/crc32c.js'
import { type DecodeOptions, decodeBatches } from '../../../lib/brokers/kafka/wire/decode-batches.js'
import {
  type BatchOptions,
  createBatchEncoder,
  type EncodableRecord,
} from '../../../lib/brokers/kafka/wire/encode-batch.js'
import { AT } from '../../../lib/brokers/kafka/wire/record-batch.js'
import { createSlab } from '../../../lib/brokers/kafka/wire/slab.js'
import type { Header, LogRecord } from '../../../lib/core/record.js'
import { root } from '../../house/tree.js'
import type { createRandom } from '../support.js'

export type Random = ReturnType<typeof createRandom>

export const PLAIN: BatchOptions = {
  maxBytes: 900_000,
  maxRecords: 10_000,
  compression: 'none',
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  transactional: false,
}

export const FROM_START: DecodeOptions = {
  topic: 'moods',
  partition: 3,
  offset: 0,
  maxDecodedBytes: 32 << 20,
  maxBatchBytes: 32 << 20,
}

/** One batch with all of the records, whose first offset is `baseOffset`; its bytes are the caller's. */
export function encodeOne(
  records: readonly EncodableRecord[],
  options: Partial<BatchOptions> = {},
  baseOffset = 0,
): Buffer {
  const { bytes, count } = createBatchEncoder().encode(createSlab(16), records, 0, { ...PLAIN, ...options })
  if (count !== records.length) throw new Error(`${count} of ${records.length} records fit`)
  const batch = Buffer.from(bytes)
  batch.writeBigInt64BE(BigInt(baseOffset), AT.baseOffset)
  return batch
}

/** Makes the checksum right again after a test has changed bytes. */
export function seal(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, AT.attributes, batch.length), AT.crc)
  return batch
}

export const decode = (bytes: Buffer, options: Partial<DecodeOptions> = {}) =>
  decodeBatches(bytes, { ...FROM_START, ...options })

export const record = (fields: Partial<EncodableRecord> = {}): EncodableRecord => ({
  key: undefined,
  value: undefined,
  timestamp: 0,
  headers: [],
  ...fields,
})

export const logged = (records: readonly EncodableRecord[], baseOffset = 0): LogRecord[] =>
  records.map(({ key, value, timestamp, headers }, i) => ({
    offset: baseOffset + i,
    timestamp,
    key,
    value,
    headers,
  }))

const NAMES = ['revlog-revision', 'a', 'a', '', '__proto__', 'constructor', 'toString', '1', 'größe 🦉']

export function randomRecord(random: Random): EncodableRecord {
  const bytes = (max: number): Buffer =>
    Buffer.from(Array.from({ length: random.below(max) }, () => random.below(256)))
  const optional = (max: number): Buffer | undefined => (random.chance(0.2) ? undefined : bytes(max))
  const headers = (): Header[] =>
    random.chance(0.5)
      ? []
      : Array.from({ length: 1 + random.below(4) }, () => ({
          key: NAMES[random.below(NAMES.length)]!,
          value: optional(40),
        }))
  const timestamp = random.chance(0.1)
    ? [0, -1, -5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 40][random.below(6)]!
    : 1_700_000_000_000 + random.below(2_000_000) - 1_000_000
  const large = random.chance(0.02) ? 100_000 : 300
  return {
    key: optional(random.chance(0.1) ? 300 : 20),
    value: optional(large),
    timestamp,
    headers: headers(),
  }
}

/** What a fixture of the Java client holds. */
export const fixture = (name: string): Buffer =>
  Buffer.from(
    readFileSync(join(root, 'test/brokers/kafka/fixtures', `${name}.hex`), 'utf8').replaceAll('\n', ''),
    'hex',
  )
