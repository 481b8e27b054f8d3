import { askLeaders, placeKey } from './ask-leaders.js'
import type { Cluster } from './cluster.js'
import type { CallOptions, FetchPosition } from './kafka-client.js'
import { kafkaError, kafkaErrorCode } from './wire/error-codes.js'
import { deleteRecordsRequest } from './wire/topics.js'

/** How long a leader may wait for its followers. */
const REPLICATION_MS = 8_000

/** Asks the leaders of partitions to forget what lies before an offset. */
export async function deleteRecords(
  cluster: Cluster,
  places: readonly FetchPosition[],
  call: CallOptions | undefined,
): Promise<void> {
  const done = new Set<string>()
  await cluster.retry(call, (signal) =>
    askLeaders(
      cluster,
      places.filter((place) => !done.has(placeKey(place))),
      {
        request: (items) => deleteRecordsRequest(items, REPLICATION_MS),
        take(place, { errorCode }) {
          // A log that ends before the offset has nothing there to delete.
          if (errorCode !== 0 && kafkaErrorCode(errorCode).name !== 'OFFSET_OUT_OF_RANGE') {
            return kafkaError(errorCode, 'its processed records cannot be deleted', place)
          }
          done.add(placeKey(place))
          return undefined
        },
      },
      signal,
    ),
  )
}
