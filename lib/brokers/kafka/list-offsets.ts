import { RevlogError } from '../../core/errors.js'
import { askLeaders, placeKey } from './ask-leaders.js'
import type { Cluster } from './cluster.js'
import type { ListedOffset, ListOffsetsOptions, OffsetQuery } from './kafka-client.js'
import { kafkaError } from './wire/error-codes.js'
import { EARLIEST, LATEST, listOffsetsRequest } from './wire/list-offsets.js'

const timestampOf = ({ at }: OffsetQuery): number =>
  at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : at

export async function listOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  options: ListOffsetsOptions,
): Promise<readonly ListedOffset[]> {
  const { isolation } = options
  const listed = new Map<string, ListedOffset>()
  if (new Set(queries.map(placeKey)).size < queries.length) {
    throw new RevlogError('E_OFFSET_QUERY', 'a partition is asked for twice in one call', {
      remedy: 'ask for its first and its last offset in two calls',
    })
  }
  await cluster.retry(options, (signal) =>
    askLeaders(
      cluster,
      queries.filter((query) => !listed.has(placeKey(query))),
      {
        request: (items) =>
          listOffsetsRequest(
            isolation === 'read_committed',
            items.map((query) => ({ ...query, timestamp: timestampOf(query) })),
          ),
        take({ topic, partition }, { errorCode, offset, timestamp }) {
          const place = { topic, partition }
          if (errorCode !== 0) return kafkaError(errorCode, 'its offsets cannot be listed', place)
          listed.set(placeKey(place), { ...place, offset: offset < 0 ? undefined : offset, timestamp })
          return undefined
        },
      },
      signal,
    ),
  )
  return queries.map((query) => listed.get(placeKey(query))!)
}
