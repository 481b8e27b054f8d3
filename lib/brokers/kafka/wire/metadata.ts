import { type Request, request } from './request.js'

export interface MetadataAnswer {
  readonly brokers: readonly {
    readonly nodeId: number
    readonly host: string
    readonly port: number
    readonly rack: string | undefined
  }[]
  readonly clusterId: string | undefined
  readonly controllerId: number
  readonly topics: readonly {
    readonly errorCode: number
    readonly name: string
    readonly internal: boolean
    readonly partitions: readonly {
      readonly errorCode: number
      readonly partition: number
      /** -1: none. */
      readonly leader: number
      readonly replicas: readonly number[]
      readonly inSyncReplicas: readonly number[]
    }[]
  }[]
}

/** Version 5. Never creates a topic that is missing. */
export const metadataRequest = (topics: readonly string[] | 'all'): Request<MetadataAnswer> =>
  request(
    { apiKey: 3, apiVersion: 5, apiName: 'Metadata' },
    (writer) => {
      if (topics === 'all') writer.int32(-1)
      else writer.array(topics, (topic) => writer.string(topic))
      writer.boolean(false)
    },
    (reader) => {
      const brokers = reader.array(() => ({
        nodeId: reader.int32(),
        host: reader.string(),
        port: reader.int32(),
        rack: reader.optionalString(),
      }))
      const clusterId = reader.optionalString()
      const controllerId = reader.int32()
      const list = reader.array(() => ({
        errorCode: reader.int16(),
        name: reader.string(),
        internal: reader.boolean(),
        partitions: reader.array(() => {
          const partition = {
            errorCode: reader.int16(),
            partition: reader.int32(),
            leader: reader.int32(),
            replicas: reader.array(() => reader.int32()),
            inSyncReplicas: reader.array(() => reader.int32()),
          }
          // Replicas that are offline.
          reader.array(() => reader.int32())
          return partition
        }),
      }))
      return { brokers, clusterId, controllerId, topics: list }
    },
  )
