import { RevlogError } from '../../core/errors.js'
import type { Change } from '../../core/record.js'
import { type Serde, trusted } from '../../serdes/serde.js'

/**
 * Both values of a change in one message (KIP-904), so that subtract and add are never apart.
 *
 *     which u8 (1 new, 2 old, 3 both) | length of the new value u32, if both | new value | old value
 */
export function changeSerde<V>(values: Serde<any, V>): Serde<Change<V>> {
  const serde = trusted(values)
  return {
    name: `change(${values.name})`,
    encode({ newValue, oldValue }) {
      const added = newValue === undefined ? undefined : serde.encode(newValue)
      const removed = oldValue === undefined ? undefined : serde.encode(oldValue)
      const which = (added === undefined ? 0 : 1) | (removed === undefined ? 0 : 2)
      const parts: Uint8Array[] = [Buffer.of(which)]
      if (added !== undefined && removed !== undefined) {
        const length = Buffer.allocUnsafe(4)
        length.writeUInt32BE(added.length)
        parts.push(length)
      }
      if (added !== undefined) parts.push(added)
      if (removed !== undefined) parts.push(removed)
      return Buffer.concat(parts)
    },
    decode(bytes) {
      const which = bytes[0]
      if (which === 1) return { newValue: serde.decode(bytes.subarray(1)), oldValue: undefined }
      if (which === 2) return { newValue: undefined, oldValue: serde.decode(bytes.subarray(1)) }
      if (which !== 3) throw new RevlogError('E_DESERIALIZATION', 'this is not a change of a table')
      const end = 5 + bytes.readUInt32BE(1)
      return { newValue: serde.decode(bytes.subarray(5, end)), oldValue: serde.decode(bytes.subarray(end)) }
    },
  }
}
