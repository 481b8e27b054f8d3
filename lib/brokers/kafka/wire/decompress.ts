import * as zlib from 'node:zlib'
import { type Coordinates, messageOf, RevlogError } from '../../../core/errors.js'
import { corruptBatch } from './corrupt.js'
import { decompressFrame } from './lz4-frame.js'
import type { Codec } from './record-batch.js'

type Unzip = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer

/** Node has it from 22.15 on. */
const zstd = (zlib as { readonly zstdDecompressSync?: Unzip }).zstdDecompressSync

/**
 * The records of a compressed batch, of `maxBytes` at most: 300 kB of gzip can hold 300 MB.
 *
 * @throws RevlogError `E_COMPRESSION` for a codec that is not there, `E_BATCH_TOO_LARGE`, `E_CORRUPT_BATCH`
 */
export function decompress(
  codec: Exclude<Codec, 'none'>,
  from: Buffer,
  start: number,
  end: number,
  maxBytes: number,
  at: Coordinates,
): Buffer {
  switch (codec) {
    case 'gzip':
      return unzip(zlib.gunzipSync, codec, from.subarray(start, end), maxBytes, at)
    case 'lz4': {
      const content = decompressFrame(from, start, end, maxBytes)
      if (content === 'too large') throw tooLarge(codec, maxBytes, at)
      if (content === 'corrupt') throw corruptBatch('its LZ4 frame cannot be read', at)
      return content
    }
    case 'zstd':
      if (zstd === undefined) throw absent(codec, 'run Node 22.15 or newer, which has zstd', at)
      return unzip(zstd, codec, from.subarray(start, end), maxBytes, at)
    case 'snappy':
      throw absent(codec, `let the producers of ${at.topic ?? 'the topic'} use gzip, lz4, zstd or none`, at)
  }
}

function unzip(unzipSync: Unzip, codec: Codec, bytes: Buffer, maxBytes: number, at: Coordinates): Buffer {
  try {
    return unzipSync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(codec, maxBytes, at)
    }
    throw corruptBatch(`its ${codec} content cannot be read: ${messageOf(error)}`, at)
  }
}

const absent = (codec: Codec, remedy: string, at: Coordinates): RevlogError =>
  new RevlogError('E_COMPRESSION', `a batch is compressed with ${codec}, which cannot be read here`, {
    remedy: `${remedy}; or set compression.type of the topic and let its records be rewritten`,
    at,
  })

const tooLarge = (codec: Codec, maxBytes: number, at: Coordinates): RevlogError =>
  new RevlogError('E_BATCH_TOO_LARGE', `a batch of ${codec} holds more than ${maxBytes} bytes`, {
    remedy: 'raise maxBatchBytes if the batch is to be trusted',
    at,
  })
