import { createRequire } from 'node:module'
import type { EncodableRecord } from '../../../lib/brokers/kafka/wire/encode-batch.js'

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder')
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder')
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0')
const Record = require('kafkajs/src/protocol/recordBatch/record/v0')
const Long = require('kafkajs/src/utils/long')

export interface KafkajsRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: { readonly [name: string]: unknown }
  readonly batchContext: {
    readonly producerId: string
    readonly firstSequence: number
    readonly inTransaction: boolean
  }
}

/** What kafkajs reads in a batch. */
export async function kafkajsDecode(batch: Buffer): Promise<readonly KafkajsRecord[]> {
  const { records } = await decodeBatch(new Decoder(batch))
  return records
}

/** A batch as kafkajs writes it; headers without a value it cannot write. */
export async function kafkajsEncode(records: readonly EncodableRecord[], gzip = false): Promise<Buffer> {
  const first = records[0]!.timestamp
  const encoder = await RecordBatch({
    compression: gzip ? 1 : 0,
    firstTimestamp: Long.fromValue(first),
    maxTimestamp: Long.fromValue(Math.max(...records.map(({ timestamp }) => timestamp))),
    lastOffsetDelta: records.length - 1,
    records: records.map(({ key, value, timestamp, headers }, offsetDelta) =>
      Record({
        offsetDelta,
        timestampDelta: Long.fromValue(timestamp).subtract(Long.fromValue(first)),
        key: key ?? null,
        value: value ?? null,
        headers: headersOf(headers),
      }),
    ),
  })
  return encoder.buffer
}

/** kafkajs takes headers as an object, with a list where a name repeats. */
function headersOf(headers: EncodableRecord['headers']): object {
  const object = Object.create(null) as { [name: string]: Buffer[] }
  for (const { key, value } of headers) {
    object[key] ??= []
    object[key]!.push(value ?? Buffer.alloc(0))
  }
  return object
}
