import { setMaxListeners } from 'node:events'
import { RevlogError } from '../../core/errors.js'
import type { TopicPartition } from '../../core/record.js'
import type { CallOptions, ClusterMetadata, TopicMetadata } from './kafka-client.js'
import { DEFAULT_CONNECTION_TIMEOUT_MS, DEFAULT_REQUEST_TIMEOUT_MS, type Kafkajs } from './kafkajs.js'
import { type Link, openLink } from './link.js'
import type { KafkaOptions } from './options.js'
import { passes, retry } from './retry.js'
import { settleWithin } from './settle.js'
import { transportErrors, unreachable } from './transport-error.js'
import { kafkaError } from './wire/error-codes.js'
import { type CoordinatorKind, findCoordinatorRequest } from './wire/find-coordinator.js'
import { type MetadataAnswer, metadataRequest } from './wire/metadata.js'
import type { Request } from './wire/request.js'

/** Connections of one user, at most one to each broker; requests on it are answered in their order. */
export interface Lane {
  send<Answer>(nodeId: number, request: Request<Answer>, options: SendToNode): Promise<Answer>
  close(): void
}

export interface SendToNode {
  readonly signal?: AbortSignal | undefined
  /** How long the broker may hold the answer back, beside the time that any request may take. */
  readonly waitMs?: number
}

/** Who is where: brokers, leaders and coordinators, remembered until something says that it is no longer so. */
export interface Cluster {
  readonly main: Lane
  lane(): Lane
  metadata(topics: readonly string[] | 'all', signal?: AbortSignal): Promise<ClusterMetadata>
  /** From memory, or asked for: the leader of each, or why there is none. */
  leaders(
    partitions: readonly TopicPartition[],
    signal?: AbortSignal,
  ): Promise<readonly (number | RevlogError)[]>
  /** Asks any broker. */
  ask<Answer>(request: Request<Answer>, signal?: AbortSignal): Promise<Answer>
  /** The topic is looked up again next time. */
  forgetTopic(topic: string): void
  coordinator(kind: CoordinatorKind, key: string, signal?: AbortSignal): Promise<number>
  forgetCoordinator(kind: CoordinatorKind, key: string): void
  /**
   * Repeats what passes, by the time-out of the call or of the client.
   *
   * @param waitMs how long a broker may hold an answer back, beside
   */
  retry<T>(
    options: CallOptions | undefined,
    attempt: (signal: AbortSignal) => Promise<T>,
    waitMs?: number,
  ): Promise<T>
  close(): void
}

interface Address {
  readonly host: string
  readonly port: number
}

const DEFAULT_RETRY_TIMEOUT_MS = 120_000
const TOLD_AGAIN_MS = 60_000
const UNKNOWN_PARTITION = 3
const LEADER_NOT_AVAILABLE = 5

export function createCluster(kafkajs: Kafkajs, options: KafkaOptions): Cluster {
  const {
    connectionTimeoutMs = DEFAULT_CONNECTION_TIMEOUT_MS,
    requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
    retryTimeoutMs = DEFAULT_RETRY_TIMEOUT_MS,
  } = options
  const translate = transportErrors(options)
  const seeds = options.brokers.map(parseAddress)
  const closing = new AbortController()
  const toldAt = new Map<string, number>()
  const onLate = (failure: RevlogError, ms: number): void => {
    const now = performance.now()
    if (now - (toldAt.get(failure.message) ?? -TOLD_AGAIN_MS) < TOLD_AGAIN_MS) return
    toldAt.set(failure.message, now)
    options.onLate?.(failure, ms)
  }
  setMaxListeners(0, closing.signal)
  const lanes = new Set<Lane>()
  const coordinators = new Map<string, number>()
  let nodes: ReadonlyMap<number, Address> = new Map()
  let topics = new Map<string, TopicMetadata>()
  let nextSeed = 0

  const closed = (): RevlogError =>
    new RevlogError('E_BROKER_CLOSED', 'the connection to Kafka was closed by this process')

  /** Links by address; a broken one is replaced when it is needed. */
  const createLinks = () => {
    const links = new Map<string, Promise<Link>>()
    return {
      async get({ host, port }: Address): Promise<Link> {
        if (closing.signal.aborted) throw closed()
        const address = `${host}:${port}`
        const known = links.get(address)
        if (known !== undefined) {
          const link = await known.catch(() => undefined)
          if (link !== undefined && !link.broken) return link
          if (links.get(address) === known) links.delete(address)
        }
        let opening = links.get(address)
        if (opening === undefined) {
          opening = openLink(kafkajs, { host, port }, connectionTimeoutMs, translate, closing.signal)
          links.set(address, opening)
          // A failure is reported to those who wait for it, now or later.
          opening.catch(() => undefined)
        }
        return opening
      },
      close() {
        for (const link of links.values()) {
          link.then(
            (open) => open.close(),
            () => undefined,
          )
        }
        links.clear()
      },
    }
  }

  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      throw closing.signal.aborted ? closed() : error
    }
  }

  const createLane = (): Lane & { readonly links: ReturnType<typeof createLinks> } => {
    const links = createLinks()
    const lane = {
      links,
      send: <Answer>(nodeId: number, request: Request<Answer>, { signal, waitMs = 0 }: SendToNode) =>
        guarded(async () => {
          const address = nodes.get(nodeId)
          if (address === undefined) throw unreachable(`broker ${nodeId}`, 'its address is not known')
          const link = await settleWithin(links.get(address), Number.POSITIVE_INFINITY, signal, closed)
          return link.send(request, { timeoutMs: requestTimeoutMs + waitMs, signal })
        }),
      close() {
        lanes.delete(lane)
        links.close()
      },
    }
    lanes.add(lane)
    return lane
  }

  const main = createLane()

  /** Any broker can answer. Those that are known first, then the ones that the user named. */
  const ask = async <Answer>(request: Request<Answer>, signal?: AbortSignal): Promise<Answer> => {
    const candidates = [...nodes.values(), ...seeds]
    let failure: unknown
    for (let i = 0; i < candidates.length; i++) {
      const address = candidates[nextSeed % candidates.length]!
      try {
        const link = await guarded(() => main.links.get(address))
        return await guarded(() => link.send(request, { timeoutMs: requestTimeoutMs, signal }))
      } catch (error) {
        failure = error
        if (!passes(error)) break
        nextSeed++
      }
    }
    throw failure
  }

  const metadata: Cluster['metadata'] = async (names, signal) => {
    const answer = await ask(metadataRequest(names), signal)
    nodes = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    const found = answer.topics.map(topicMetadata)
    for (const topic of found) topics.set(topic.name, topic)
    return {
      clusterId: answer.clusterId,
      controllerId: answer.controllerId,
      brokers: answer.brokers,
      topics: found,
    }
  }

  const leaderOf = ({ topic, partition }: TopicPartition): number | undefined =>
    topics.get(topic)?.partitions.find((known) => known.partition === partition)?.leader

  const cluster: Cluster = {
    main,
    lane: createLane,
    metadata,
    ask,
    async leaders(partitions, signal) {
      const missing = new Set(partitions.filter((p) => leaderOf(p) === undefined).map(({ topic }) => topic))
      if (missing.size > 0) await metadata([...missing], signal)
      return partitions.map((place) => {
        const leader = leaderOf(place)
        if (leader !== undefined) return leader
        const topic = topics.get(place.topic)
        if (topic?.error !== undefined) return topic.error
        const known = topic?.partitions.some(({ partition }) => partition === place.partition)
        return kafkaError(known === true ? LEADER_NOT_AVAILABLE : UNKNOWN_PARTITION, 'no leader', place)
      })
    },
    forgetTopic(topic) {
      topics.delete(topic)
    },
    async coordinator(kind, key, signal) {
      const known = coordinators.get(`${kind} ${key}`)
      if (known !== undefined && nodes.has(known)) return known
      const answer = await ask(findCoordinatorRequest(kind, key), signal)
      const { errorCode, errorMessage, nodeId, host, port } = answer
      if (errorCode !== 0) throw kafkaError(errorCode, `no coordinator of ${kind} ${key}`, {}, errorMessage)
      nodes = new Map([...nodes, [nodeId, { host, port }]])
      coordinators.set(`${kind} ${key}`, nodeId)
      return nodeId
    },
    forgetCoordinator(kind, key) {
      coordinators.delete(`${kind} ${key}`)
    },
    retry: (call, attempt, waitMs = 0) =>
      guarded(() =>
        retry(
          {
            timeoutMs: (call?.timeoutMs ?? retryTimeoutMs) + waitMs,
            signal:
              call?.signal === undefined ? closing.signal : AbortSignal.any([call.signal, closing.signal]),
            onLate,
          },
          attempt,
        ),
      ),
    close() {
      closing.abort()
      for (const lane of [...lanes]) lane.close()
      topics = new Map()
    },
  }
  return cluster
}

function topicMetadata(answer: MetadataAnswer['topics'][number]): TopicMetadata {
  const { errorCode, name, internal } = answer
  return {
    name,
    internal,
    error: errorCode === 0 ? undefined : kafkaError(errorCode, 'no metadata', { topic: name }),
    partitions: answer.partitions
      .map(({ partition, leader, replicas, inSyncReplicas }) => ({
        partition,
        leader: leader < 0 ? undefined : leader,
        replicas,
        inSyncReplicas,
      }))
      .sort((a, b) => a.partition - b.partition),
  }
}

/** `host:port`, `[::1]:port`. */
function parseAddress(text: string): Address {
  const [, host, port] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) {
    throw new RevlogError('E_BROKER_ADDRESS', `${text} is not the address of a broker`, {
      remedy: 'write host:port, for example localhost:9092',
    })
  }
  return { host, port: Number(port) }
}
