import { type BinaryKey, bytesOfKey } from '../../lib/core/binary-key.js'
import type { AnySerde, Serializer } from '../../lib/serdes/serde.js'
import type { SinkTopic } from '../../lib/topology/topic.js'
import type { Tables } from './run.js'

/** A key whose last value is not the one that it should be; a value is `undefined` where the key has none. */
export interface Difference {
  readonly topic: string
  readonly key: unknown
  readonly expected: unknown
  readonly actual: unknown
}

/** A topic whose values can be shown: a sink that cannot read is compared as bytes. */
export interface Readable {
  readonly name: string
  readonly key: Decoder
  readonly value: Decoder
}

type Decoder = (bytes: Buffer) => unknown

/** The serde of a sink needs to write only; a `topic(...)` reads as well. */
export const readable = ({ name, key, value }: SinkTopic<any, any>): Readable => ({
  name,
  key: decoderOf(key),
  value: decoderOf(value),
})

const decoderOf = (serializer: Serializer<any>): Decoder =>
  'decode' in serializer ? (serializer as AnySerde).decode : (bytes) => bytes

export type Equals = (expected: unknown, actual: unknown, topic: string) => boolean

/** Equal bytes are equal; others are asked for, because an object may be written with its fields in another order. */
export function differencesOf(
  expected: Tables,
  actual: Tables,
  topics: readonly Readable[],
  equals: Equals,
): readonly Difference[] {
  return topics.flatMap((topic) => {
    const want = expected.get(topic.name) ?? new Map<BinaryKey, Buffer>()
    const have = actual.get(topic.name) ?? new Map<BinaryKey, Buffer>()
    const read = (bytes: Buffer | undefined): unknown =>
      bytes === undefined ? undefined : topic.value(bytes)
    return [...new Set([...want.keys(), ...have.keys()])].sort().flatMap((key): Difference[] => {
      const left = want.get(key)
      const right = have.get(key)
      if (left !== undefined && right?.equals(left)) return []
      const difference = { expected: read(left), actual: read(right) }
      if (
        left !== undefined &&
        right !== undefined &&
        equals(difference.expected, difference.actual, topic.name)
      ) {
        return []
      }
      return [{ topic: topic.name, key: topic.key(bytesOfKey(key)), ...difference }]
    })
  })
}
