import type { TopicPartition } from '../../core/record.js'
import { askCoordinator, placeKey } from './ask-leaders.js'
import type { Cluster } from './cluster.js'
import type {
  CallOptions,
  CommittedOffset,
  CommittedOffsetsOptions,
  GroupMember,
  OffsetToCommit,
} from './kafka-client.js'
import { kafkaError } from './wire/error-codes.js'
import { offsetCommitRequest, offsetFetchRequest, type PartitionResult } from './wire/offsets.js'

/** The first error of a list. */
export const firstError = (results: readonly PartitionResult[]): number =>
  results.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0

export async function committedOffsets(
  cluster: Cluster,
  group: string,
  partitions: readonly TopicPartition[],
  options: CommittedOffsetsOptions,
): Promise<readonly CommittedOffset[]> {
  const request = offsetFetchRequest(group, partitions, options.requireStable ?? true)
  const answer = await cluster.retry(options, (signal) =>
    askCoordinator(
      cluster,
      'group',
      group,
      request,
      ({ errorCode, partitions }) => (errorCode === 0 ? firstError(partitions) : errorCode),
      (errorCode) => kafkaError(errorCode, `the offsets of group ${group} cannot be read`),
      signal,
    ),
  )
  const found = new Map(answer.partitions.map((partition) => [placeKey(partition), partition]))
  return partitions.map(({ topic, partition }) => {
    const known = found.get(placeKey({ topic, partition }))
    const none = known === undefined || known.offset < 0
    return {
      topic,
      partition,
      offset: none ? undefined : known.offset,
      metadata: none || known.metadata === '' ? undefined : known.metadata,
    }
  })
}

export async function commitOffsets(
  cluster: Cluster,
  member: GroupMember,
  offsets: readonly OffsetToCommit[],
  options: CallOptions | undefined,
): Promise<void> {
  const request = offsetCommitRequest(member, offsets)
  await cluster.retry(options, (signal) =>
    askCoordinator(
      cluster,
      'group',
      member.group,
      request,
      firstError,
      (errorCode) => kafkaError(errorCode, `group ${member.group} does not take the offsets`),
      signal,
    ),
  )
}
