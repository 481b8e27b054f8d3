import { keyOfText, textOfKey } from '../../core/binary-key.js'
import type { Environment } from '../../state/lmdb/environment.js'
import { checkNewTopic, topicExists, unknownTopic } from '../checks.js'
import type { NewTopic, TopicDescription } from '../port.js'

/** A topic as the log knows it. The id names its rows and is never used again. */
export interface EmbeddedTopic extends TopicDescription {
  readonly id: number
}

export interface Topics {
  create(topic: NewTopic): EmbeddedTopic
  find(name: string): EmbeddedTopic | undefined
  /** @throws RevlogError `E_TOPIC_UNKNOWN`. */
  get(name: string): EmbeddedTopic
  list(): readonly EmbeddedTopic[]
}

/** Sorts before every name and can be none. */
const NEXT_ID = '\0next-id'
const FIRST_NAME = '\x01'

/**
 * A topic's row, under its name:
 *
 *     id u32 | partitions u32 | policy u8: 0 delete, 1 compact | retention f64, milliseconds, NaN: for ever
 *
 * Rows are read whenever they are needed and not remembered in JavaScript: a transaction that is rolled back
 * takes its topics with it.
 */
export function createTopics(environment: Environment): Topics {
  const rows = environment.database('log/topics')

  const find = (name: string): EmbeddedTopic | undefined => {
    const row = rows.get(keyOfText(name))
    return row === undefined ? undefined : decodeTopic(name, row)
  }

  return {
    find,
    get(name) {
      const topic = find(name)
      if (topic === undefined) throw unknownTopic(name)
      return topic
    },
    list: () =>
      rows
        .scan({ from: FIRST_NAME, limit: Number.MAX_SAFE_INTEGER })
        .map(({ key, value }) => decodeTopic(textOfKey(key), value)),
    create(topic) {
      checkNewTopic(topic)
      return environment.transaction(() => {
        if (find(topic.name) !== undefined) throw topicExists(topic.name)
        const id = rows.get(NEXT_ID)?.readUInt32BE(0) ?? 1
        const next = Buffer.alloc(4)
        next.writeUInt32BE(id + 1)
        rows.put(NEXT_ID, next)
        const { name, partitions, config } = topic
        const made = { id, name, partitions, config }
        rows.put(keyOfText(name), encodeTopic(made))
        return made
      })
    },
  }
}

function encodeTopic({ id, partitions, config }: EmbeddedTopic): Buffer {
  const row = Buffer.alloc(17)
  row.writeUInt32BE(id, 0)
  row.writeUInt32BE(partitions, 4)
  row[8] = config.cleanupPolicy === 'compact' ? 1 : 0
  row.writeDoubleBE(config.retentionMs ?? Number.NaN, 9)
  return row
}

function decodeTopic(name: string, row: Buffer): EmbeddedTopic {
  const retentionMs = row.readDoubleBE(9)
  return {
    id: row.readUInt32BE(0),
    name,
    partitions: row.readUInt32BE(4),
    config: {
      cleanupPolicy: row[8] === 1 ? 'compact' : 'delete',
      ...(Number.isNaN(retentionMs) ? {} : { retentionMs }),
    },
  }
}
