import { byTopic, type Request, request } from './request.js'

export interface OffsetToList {
  readonly topic: string
  readonly partition: number
  /** Milliseconds since the epoch, {@link LATEST} or {@link EARLIEST}. */
  readonly timestamp: number
}

export interface OffsetAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly timestamp: number
  /** -1 when no record is that young. */
  readonly offset: number
}

export const LATEST = -1
export const EARLIEST = -2

/** Version 3. `committed`: the end is the last stable offset, otherwise the high watermark. */
export const listOffsetsRequest = (
  committed: boolean,
  offsets: readonly OffsetToList[],
): Request<readonly OffsetAnswer[]> =>
  request(
    { apiKey: 2, apiVersion: 3, apiName: 'ListOffsets' },
    (writer) => {
      writer.int32(-1)
      writer.int8(committed ? 1 : 0)
      writer.array(byTopic(offsets), ([topic, partitions]) => {
        writer.string(topic)
        writer.array(partitions, ({ partition, timestamp }) => {
          writer.int32(partition)
          writer.int64(timestamp)
        })
      })
    },
    (reader) => {
      return reader
        .array(() => {
          const topic = reader.string()
          return reader.array(() => ({
            topic,
            partition: reader.int32(),
            errorCode: reader.int16(),
            timestamp: reader.int64(),
            offset: reader.int64(),
          }))
        })
        .flat()
    },
  )
