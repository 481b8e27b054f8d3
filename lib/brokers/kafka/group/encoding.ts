import { RevlogError } from '../../../core/errors.js'
import { createReader, type ProtocolReader } from '../wire/protocol-reader.js'
import { createWriter, type ProtocolWriter } from '../wire/protocol-writer.js'

/** What members of a group tell each other has Kafka's own encoding of numbers, texts and lists. */
export function encode(write: (writer: ProtocolWriter) => void): Buffer {
  const writer = createWriter()
  write(writer)
  return Buffer.from(writer.take())
}

/** @throws RevlogError `E_GROUP_BYTES` when the bytes break off, or announce what cannot be there */
export function decode<T>(bytes: Buffer, read: (reader: ProtocolReader) => T): T {
  try {
    return read(createReader(bytes, 'a group member'))
  } catch (cause) {
    if (cause instanceof RevlogError && cause.code === 'E_KAFKA_PROTOCOL') {
      throw new RevlogError('E_GROUP_BYTES', 'what a member of the group says cannot be read', { cause })
    }
    throw cause
  }
}
