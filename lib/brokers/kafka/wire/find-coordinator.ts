import { type Request, request } from './request.js'

export interface CoordinatorAnswer {
  readonly errorCode: number
  readonly errorMessage: string | undefined
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export type CoordinatorKind = 'group' | 'transaction'

/** Version 2. */
export const findCoordinatorRequest = (kind: CoordinatorKind, key: string): Request<CoordinatorAnswer> =>
  request(
    { apiKey: 10, apiVersion: 2, apiName: 'FindCoordinator' },
    (writer) => {
      writer.string(key)
      writer.int8(kind === 'group' ? 0 : 1)
    },
    (reader) => {
      return {
        errorCode: reader.int16(),
        errorMessage: reader.optionalString(),
        nodeId: reader.int32(),
        host: reader.string(),
        port: reader.int32(),
      }
    },
  )
