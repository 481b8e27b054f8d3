import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jarsOf, NEWEST } from './jars.js'
import { formatNode, type KafkaNode, SMALL_AND_QUICK } from './node.js'
import { freePorts } from './ports.js'
import { API, ask, int32 } from './wire.js'

/**
 * A real cluster on this machine: three nodes, each a broker and a voter of the controllers, so that any of them may
 * be killed. A topic has three copies unless it is told otherwise, and a record is acknowledged when two have it.
 */
export interface KafkaCluster {
  /** `host:port` of all nodes, also of those that do not run. */
  readonly addresses: string
  /** Of node 1, 2 or 3. */
  address(id: number): string
  /** Starts a node, with its data, unless it runs; resolves when the others count on it. */
  start(id: number): Promise<void>
  /** Ends it in good order: others lead its partitions before it goes. */
  stop(id: number): Promise<void>
  /** Ends it as a crash does. */
  kill9(id: number): Promise<void>
  /** Ends all of them and removes their data. */
  remove(): Promise<void>
}

const IDS = [1, 2, 3]

/** @param first the nodes that run at once; with two of them the controllers have a majority */
export async function startCluster(
  version: string = NEWEST,
  first: readonly number[] = IDS,
): Promise<KafkaCluster> {
  const jars = await jarsOf(version)
  const folder = await mkdtemp(join(tmpdir(), 'revlog-kafka-cluster-'))
  const ports = await freePorts(2 * IDS.length)
  const brokerPort = (id: number): number => ports[id - 1]!
  const controllerPort = (id: number): number => ports[IDS.length + id - 1]!
  const clusterId = randomBytes(16).toString('base64url')
  const nodes = new Map<number, KafkaNode>()
  const address = (id: number): string => `127.0.0.1:${brokerPort(id)}`
  const running = (): number[] => IDS.filter((id) => nodes.get(id)?.runs() === true)

  const properties = (id: number): { readonly [name: string]: string } => {
    const own = `PLAINTEXT://${address(id)}`
    return {
      ...SMALL_AND_QUICK,
      'process.roles': 'broker,controller',
      'node.id': `${id}`,
      'controller.quorum.voters': IDS.map((n) => `${n}@127.0.0.1:${controllerPort(n)}`).join(','),
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      listeners: `${own},CONTROLLER://127.0.0.1:${controllerPort(id)}`,
      'advertised.listeners': own,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      // A node that is back leads its partitions again soon.
      'leader.imbalance.check.interval.seconds': '1',
    }
  }

  /** Asked by hand: kafkajs tells nothing while any topic has no leader. */
  const nodesKnownTo = (id: number): Promise<number> =>
    ask(address(id), API.metadata, 1, int32(0)).then(
      (body) => body.readInt32BE(0),
      () => 0,
    )

  /** Resolves when every node that runs tells clients of all of them. */
  async function untilTogether(): Promise<void> {
    for (;;) {
      const told = await Promise.all(running().map(nodesKnownTo))
      if (told.length === started.size && told.every((known) => known === started.size)) return
      for (const [id, node] of nodes) {
        if (started.has(id) && !node.runs()) throw new Error(`node ${id} ended: ${node.log()}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }

  /** Those that are meant to run. */
  const started = new Set<number>()
  const begin = (id: number): void => {
    if (running().includes(id)) return
    nodes.get(id)!.start()
    started.add(id)
  }
  const end = async (id: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    started.delete(id)
    await nodes.get(id)!.end(signal)
  }
  const remove = async (): Promise<void> => {
    await Promise.all([...nodes.keys()].map((id) => end(id, 'SIGKILL')))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all(
      IDS.map(async (id) => {
        const of = { jars, clusterId, folder: join(folder, `${id}`), properties: properties(id) }
        nodes.set(id, await formatNode({ ...of, megabytes: 256 }))
      }),
    )
    for (const id of first) begin(id)
    await untilTogether()
  } catch (thrown) {
    await remove()
    throw thrown
  }
  return {
    addresses: IDS.map(address).join(','),
    address,
    async start(id) {
      begin(id)
      await untilTogether()
    },
    stop: (id) => end(id, 'SIGTERM'),
    kill9: (id) => end(id, 'SIGKILL'),
    remove,
  }
}
