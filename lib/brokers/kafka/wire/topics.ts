import { byTopic, type Request, request } from './request.js'

export interface TopicToCreate {
  readonly name: string
  readonly partitions: number
  /** -1 for the brokers' default. */
  readonly replicas: number
  readonly config: { readonly [setting: string]: string }
}

export interface TopicAnswer {
  readonly name: string
  readonly errorCode: number
  readonly errorMessage: string | undefined
}

/** Version 4, the last that is not flexible. For the controller. */
export const createTopicRequest = (
  topic: TopicToCreate,
  timeoutMs: number,
): Request<readonly TopicAnswer[]> =>
  request(
    { apiKey: 19, apiVersion: 4, apiName: 'CreateTopics' },
    (writer) => {
      writer.array([topic], ({ name, partitions, replicas, config }) => {
        writer.string(name)
        writer.int32(partitions)
        writer.int16(replicas)
        // Where each copy is to be: the controller's business.
        writer.array([], () => undefined)
        writer.array(Object.entries(config), ([setting, value]) => {
          writer.string(setting)
          writer.string(value)
        })
      })
      writer.int32(timeoutMs)
      // To validate only.
      writer.boolean(false)
    },
    (reader) => {
      return reader.array(() => ({
        name: reader.string(),
        errorCode: reader.int16(),
        errorMessage: reader.optionalString(),
      }))
    },
  )

/** Version 3, the last that is not flexible. For the controller. */
export const deleteTopicRequest = (name: string, timeoutMs: number): Request<readonly TopicAnswer[]> =>
  request(
    { apiKey: 20, apiVersion: 3, apiName: 'DeleteTopics' },
    (writer) => {
      writer.array([name], writer.string)
      writer.int32(timeoutMs)
    },
    (reader) => {
      return reader.array(() => ({
        name: reader.string(),
        errorCode: reader.int16(),
        errorMessage: undefined,
      }))
    },
  )

export interface RecordsToDelete {
  readonly topic: string
  readonly partition: number
  /** Of the first record that stays. */
  readonly offset: number
}

/** Version 1, the last that is not flexible. For the leader of the partitions. */
export const deleteRecordsRequest = (
  places: readonly RecordsToDelete[],
  timeoutMs: number,
): Request<readonly { readonly topic: string; readonly partition: number; readonly errorCode: number }[]> =>
  request(
    { apiKey: 21, apiVersion: 1, apiName: 'DeleteRecords' },
    (writer) => {
      writer.array(byTopic(places), ([topic, partitions]) => {
        writer.string(topic)
        writer.array(partitions, ({ partition, offset }) => {
          writer.int32(partition)
          writer.int64(offset)
        })
      })
      writer.int32(timeoutMs)
    },
    (reader) => {
      return reader
        .array(() => {
          const topic = reader.string()
          return reader.array(() => {
            const partition = reader.int32()
            // Where the log begins now.
            reader.int64()
            return { topic, partition, errorCode: reader.int16() }
          })
        })
        .flat()
    },
  )

export interface TopicSettings {
  readonly name: string
  readonly errorCode: number
  readonly errorMessage: string | undefined
  /** Every setting, with those that the topic has from the broker; without those that are secret. */
  readonly settings: ReadonlyMap<string, string>
}

const TOPIC = 2

/** Version 1. Any broker answers. */
export const describeTopicSettingsRequest = (names: readonly string[]): Request<readonly TopicSettings[]> =>
  request(
    { apiKey: 32, apiVersion: 1, apiName: 'DescribeConfigs' },
    (writer) => {
      writer.array(names, (name) => {
        writer.int8(TOPIC)
        writer.string(name)
        // No list: every setting.
        writer.int32(-1)
      })
      // Where each setting comes from.
      writer.boolean(false)
    },
    (reader) => {
      return reader.array(() => {
        const errorCode = reader.int16()
        const errorMessage = reader.optionalString()
        reader.int8()
        const name = reader.string()
        const settings = reader.array(() => {
          const setting = reader.string()
          const value = reader.optionalString()
          reader.boolean()
          reader.int8()
          reader.boolean()
          reader.array(() => {
            reader.string()
            reader.optionalString()
            reader.int8()
          })
          return [setting, value] as const
        })
        return {
          name,
          errorCode,
          errorMessage,
          settings: new Map(
            settings.flatMap(([setting, value]) => (value === undefined ? [] : [[setting, value] as const])),
          ),
        }
      })
    },
  )
