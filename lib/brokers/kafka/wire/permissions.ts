import { type Operation, operationsOf } from './authorized.js'
import { type Request, request } from './request.js'

export interface PermissionsAnswer {
  readonly topics: readonly {
    readonly errorCode: number
    readonly name: string
    readonly operations: ReadonlySet<Operation> | undefined
  }[]
  readonly cluster: ReadonlySet<Operation> | undefined
}

/** Metadata in version 8, in which it tells what one may do with topics and with the cluster (KIP-430). */
export const permissionsRequest = (topics: readonly string[]): Request<PermissionsAnswer> =>
  request(
    { apiKey: 3, apiVersion: 8, apiName: 'Metadata' },
    (writer) => {
      writer.array(topics, (topic) => writer.string(topic))
      writer.boolean(false) // never creates one
      writer.boolean(true)
      writer.boolean(true)
    },
    (reader) => {
      reader.array(() => {
        reader.int32()
        reader.string()
        reader.int32()
        reader.optionalString()
      })
      reader.optionalString() // the cluster
      reader.int32() // its controller
      const list = reader.array(() => {
        const errorCode = reader.int16()
        const name = reader.string()
        reader.boolean()
        reader.array(() => {
          reader.int16()
          for (let i = 0; i < 3; i++) reader.int32() // partition, leader, its epoch
          for (let i = 0; i < 3; i++) reader.array(() => reader.int32()) // replicas, those in sync, those offline
        })
        return { errorCode, name, operations: operationsOf(reader.int32()) }
      })
      return { topics: list, cluster: operationsOf(reader.int32()) }
    },
  )
