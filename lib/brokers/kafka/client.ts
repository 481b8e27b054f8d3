import { RevlogError } from '../../core/errors.js'
import { type Cluster, createCluster } from './cluster.js'
import { deleteRecords } from './delete-records.js'
import { createFetcher } from './fetcher.js'
import { createCoordinator } from './group/coordinator.js'
import { commitOffsets, committedOffsets } from './group-offsets.js'
import type { CallOptions, ClusterMetadata, KafkaClient } from './kafka-client.js'
import { openKafkajs } from './kafkajs.js'
import { listOffsets } from './list-offsets.js'
import type { KafkaOptions } from './options.js'
import { createProducer } from './producer.js'
import { retry } from './retry.js'
import { createTransactionalProducer } from './transactional-producer.js'

export interface OpenOptions {
  readonly signal?: AbortSignal
  /** How long to try when no broker can be reached. 5,000 ms when absent: an address with a typing error is said soon. */
  readonly timeoutMs?: number
}

const PREFLIGHT_MS = 5_000

/**
 * Opens a client once a broker has answered a first question over its connection: a certificate or credentials that are
 * refused are said here, at once, and not repeated for ever later.
 *
 * @throws RevlogError `E_TLS`, `E_AUTH`, `E_BROKER_UNREACHABLE`, `E_BROKER_ADDRESS`, `E_BROKER_VERSION`,
 *   `E_KAFKAJS_VERSION`
 * @example
 * const client = await openKafkaClient({ brokers: ['localhost:9092'] })
 */
export async function openKafkaClient(options: KafkaOptions, open: OpenOptions = {}): Promise<KafkaClient> {
  if (options.brokers.length === 0) {
    throw new RevlogError('E_BROKER_ADDRESS', 'there is no address of a broker', {
      remedy: 'give at least one as host:port',
    })
  }
  const kafkajs = openKafkajs(options)
  const cluster = createCluster(kafkajs, options)
  try {
    await retry({ timeoutMs: open.timeoutMs ?? PREFLIGHT_MS, signal: open.signal }, (signal) =>
      cluster.metadata([], signal),
    )
  } catch (error) {
    cluster.close()
    throw error
  }
  return Object.freeze({
    kafkajs: () => kafkajs.create(),
    metadata: (topics, call) => metadata(cluster, topics, call),
    ask: (request, call) => cluster.retry(call, (signal) => cluster.ask(request, signal)),
    askController: (request, call) =>
      cluster.retry(call, async (signal) => {
        const { controllerId } = await cluster.metadata([], signal)
        return cluster.main.send(controllerId, request, { signal })
      }),
    deleteRecords: (places, call) => deleteRecords(cluster, places, call),
    listOffsets: (queries, call) => listOffsets(cluster, queries, call),
    fetcher: (fetch) => createFetcher(cluster, fetch),
    producer: (producer = {}) => createProducer(cluster, producer),
    transactionalProducer: (producer) => createTransactionalProducer(cluster, producer),
    committedOffsets: (group, partitions, call = {}) => committedOffsets(cluster, group, partitions, call),
    commitOffsets: (member, offsets, call) => commitOffsets(cluster, member, offsets, call),
    coordinator: (group) => createCoordinator(cluster, group),
    async close() {
      cluster.close()
    },
  } satisfies KafkaClient)
}

const metadata = (
  cluster: Cluster,
  topics: readonly string[] | 'all',
  call: CallOptions | undefined,
): Promise<ClusterMetadata> => cluster.retry(call, (signal) => cluster.metadata(topics, signal))
