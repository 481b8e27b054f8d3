import { decode, encode } from './encoding.js'
import type { TopicPartitions } from './member.js'

/**
 * The encoding of subscriptions and assignments that every Java consumer has, so that Kafka's own tools show which
 * member has which partition. What only we understand is in the user data.
 *
 * ```text
 * subscription   version int16 | topics [string] | user data bytes
 * assignment     version int16 | [topic string, [partition int32]] | user data bytes
 * ```
 *
 * Newer versions append fields, which are not looked at.
 */
export const encodeSubscription = (topics: readonly string[], userData: Buffer): Buffer =>
  encode((writer) => {
    writer.int16(0)
    writer.array(topics, (topic) => writer.string(topic))
    writer.bytes(userData)
  })

/** @throws RevlogError `E_GROUP_BYTES` */
export const decodeSubscription = (
  bytes: Buffer,
): { readonly topics: readonly string[]; readonly userData: Buffer } =>
  decode(bytes, (reader) => {
    reader.int16()
    return { topics: reader.array(() => reader.string()), userData: reader.bytes() }
  })

export const encodeAssignment = (partitions: readonly TopicPartitions[], userData: Buffer): Buffer =>
  encode((writer) => {
    writer.int16(0)
    writer.array(partitions, (topic) => {
      writer.string(topic.topic)
      writer.array(topic.partitions, (partition) => writer.int32(partition))
    })
    writer.bytes(userData)
  })

/** Bytes of length 0 are what a member gets of whom the leader did not know. @throws RevlogError `E_GROUP_BYTES` */
export function decodeAssignment(bytes: Buffer): {
  readonly partitions: readonly TopicPartitions[]
  readonly userData: Buffer
} {
  if (bytes.length === 0) return { partitions: [], userData: bytes }
  return decode(bytes, (reader) => {
    reader.int16()
    return {
      partitions: reader.array(() => ({
        topic: reader.string(),
        partitions: reader.array(() => reader.int32()),
      })),
      userData: reader.bytes(),
    }
  })
}
