import { type Request, request } from './request.js'

export interface ApiRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** Version 0, which every broker speaks. */
export const apiVersionsRequest = (): Request<{
  readonly errorCode: number
  readonly apis: readonly ApiRange[]
}> =>
  request(
    { apiKey: 18, apiVersion: 0, apiName: 'ApiVersions', throttle: 'none' },
    () => {},
    (reader) => ({
      errorCode: reader.int16(),
      apis: reader.array(() => ({
        apiKey: reader.int16(),
        minVersion: reader.int16(),
        maxVersion: reader.int16(),
      })),
    }),
  )

/** Every request of ours, in the one version that we write; what kafkajs asks for is negotiated by it. */
export const SPOKEN: readonly {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
}[] = [
  { apiKey: 0, apiVersion: 8, apiName: 'Produce' },
  { apiKey: 1, apiVersion: 11, apiName: 'Fetch' },
  { apiKey: 2, apiVersion: 3, apiName: 'ListOffsets' },
  { apiKey: 3, apiVersion: 5, apiName: 'Metadata' },
  { apiKey: 8, apiVersion: 7, apiName: 'OffsetCommit' },
  { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch' },
  { apiKey: 10, apiVersion: 2, apiName: 'FindCoordinator' },
  { apiKey: 11, apiVersion: 5, apiName: 'JoinGroup' },
  { apiKey: 12, apiVersion: 3, apiName: 'Heartbeat' },
  { apiKey: 13, apiVersion: 3, apiName: 'LeaveGroup' },
  { apiKey: 14, apiVersion: 3, apiName: 'SyncGroup' },
  { apiKey: 15, apiVersion: 4, apiName: 'DescribeGroups' },
  { apiKey: 19, apiVersion: 4, apiName: 'CreateTopics' },
  { apiKey: 20, apiVersion: 3, apiName: 'DeleteTopics' },
  { apiKey: 21, apiVersion: 1, apiName: 'DeleteRecords' },
  { apiKey: 22, apiVersion: 4, apiName: 'InitProducerId' },
  { apiKey: 24, apiVersion: 2, apiName: 'AddPartitionsToTxn' },
  { apiKey: 25, apiVersion: 2, apiName: 'AddOffsetsToTxn' },
  { apiKey: 26, apiVersion: 2, apiName: 'EndTxn' },
  { apiKey: 28, apiVersion: 3, apiName: 'TxnOffsetCommit' },
  { apiKey: 32, apiVersion: 1, apiName: 'DescribeConfigs' },
  { apiKey: 42, apiVersion: 1, apiName: 'DeleteGroups' },
]
