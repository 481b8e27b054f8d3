import { repartitionTopic } from '../topology/repartition-topic.js'
import type { Topology } from '../topology/topology.js'
import { isBase64, textOrBase64 } from './rows/base64.js'
import type { RowSerde, RowTopic } from './rows/record-of-row.js'

/** A topic as the commands use it: a described one has the serdes of its topology. */
export interface CliTopic extends RowTopic {
  /** What the topology does with it; `undefined` when nobody has described it. */
  readonly role: 'source' | 'sink' | 'internal' | undefined
}

/** Every topic that a topology names, sources first. */
export function topicsOf(topology: Topology): ReadonlyMap<string, CliTopic> {
  const topics = new Map<string, CliTopic>()
  const put = (topic: CliTopic): void => {
    if (!topics.has(topic.name)) topics.set(topic.name, topic)
  }
  for (const node of topology.nodes) if (node.kind === 'source') put({ ...node.topic, role: 'source' })
  for (const node of topology.nodes) if (node.kind === 'sink') put({ ...node.topic, role: 'sink' })
  for (const node of topology.nodes) {
    if (node.kind !== 'repartition') continue
    const { key, value } = node
    put({ name: repartitionTopic(topology.name, node.name), key, value, role: 'internal' })
  }
  return topics
}

/** Keys are text, values JSON, or text where they are no JSON; what is no text is base64. */
export function rawTopic(name: string): CliTopic {
  return { name, key: RAW_KEY, value: RAW_VALUE, keyless: true, role: undefined }
}

const RAW_KEY: RowSerde = {
  encode: (key) => {
    if (typeof key === 'string') return Buffer.from(key, 'utf8')
    if (isBase64(key)) return Buffer.from(key.base64, 'base64')
    throw new TypeError('a key is text here')
  },
  decode: textOrBase64,
}

const RAW_VALUE: RowSerde = {
  encode: (value) =>
    isBase64(value) ? Buffer.from(value.base64, 'base64') : Buffer.from(JSON.stringify(value), 'utf8'),
  decode: (bytes) => {
    const text = textOrBase64(bytes)
    if (typeof text !== 'string') return text
    try {
      return JSON.parse(text) as unknown
    } catch {
      return text
    }
  },
}
