import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { run } from './jars.js'

export interface NodeOptions {
  /** The folder with the jars of a release. */
  readonly jars: string
  /** Its settings, its log and its data; made when it is not there. */
  readonly folder: string
  /** The same for all nodes of a cluster. */
  readonly clusterId: string
  /** `server.properties`, without `log.dirs`. */
  readonly properties: { readonly [name: string]: string }
  /** More words for the storage tool. */
  readonly format?: readonly string[]
  /** Options of Java; when absent those that start it with the least work, which is not as fast later. */
  readonly java?: readonly string[]
  /** Of its heap; 512 when absent. */
  readonly megabytes?: number
}

/** One process of Apache Kafka, which never outlives ours. */
export interface KafkaNode {
  readonly pid: () => number | undefined
  readonly runs: () => boolean
  /** Starts it, with its data. It is not ready yet. */
  start(): void
  /** Resolves when it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** The end of what it has logged. */
  log(): string
}

/** A third less CPU for a start. */
const C1_ONLY = '-XX:TieredStopAtLevel=1'

const LOG = '-Dorg.slf4j.simpleLogger.'
/** What it says of transactions that it ends is wanted, see `matrix/forgotten.ts`. */
const MARKERS = 'kafka.coordinator.transaction.TransactionMarkerChannelManager'

/** Makes the folder of a node. */
export async function formatNode(options: NodeOptions): Promise<KafkaNode> {
  const { jars, folder, megabytes = 512 } = options
  const settings = join(folder, 'server.properties')
  const logFile = join(folder, 'broker.log')
  await mkdir(folder, { recursive: true })
  await writeFile(settings, lines({ ...options.properties, 'log.dirs': join(folder, 'data') }))
  const java = ['-cp', join(jars, '*'), `${LOG}defaultLogLevel=warn`, `${LOG}log.${MARKERS}=info`]
  const format = await run('java', [
    ...[C1_ONLY, ...java, 'kafka.tools.StorageTool', 'format'],
    // With "=", for an id that begins with "-".
    ...[`--cluster-id=${options.clusterId}`, '-c', settings],
    ...(options.format ?? []),
  ])
  if (!format.ok) throw new Error(`Kafka cannot format its folder: ${format.said}`)

  let child: ChildProcess | undefined
  const runs = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null
  return {
    pid: () => child?.pid,
    runs,
    start() {
      const out = openSync(logFile, 'a')
      const heap = ['-Xms64m', `-Xmx${megabytes}m`, '-XX:+UseSerialGC', ...(options.java ?? [C1_ONLY])]
      const broker = spawn('java', [...heap, ...java, 'kafka.Kafka', settings], {
        stdio: ['ignore', out, out],
      })
      closeSync(out)
      broker.unref()
      const guard = startGuard(broker.pid!, folder)
      broker.on('exit', () => guard.kill('SIGKILL'))
      child = broker
    },
    async end(signal) {
      if (!runs()) return
      child!.ref()
      const exited = once(child!, 'exit')
      child!.kill(signal)
      await exited
    },
    signal: (signal) => void child?.kill(signal),
    log: () => readFileSync(logFile, 'utf8').slice(-4_000),
  }
}

/** A process that waits for ours to end, however it ends, and then ends the broker and removes its data. */
function startGuard(pid: number, folder: string): ChildProcess {
  const script = 'cat > /dev/null; kill -9 "$0"; sleep 1; rm -rf "$1"'
  const guard = spawn('sh', ['-c', script, String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not in our group: what ends the group (Ctrl-C) must leave it to its task.
    detached: true,
  })
  guard.unref()
  // A pipe is a socket, though its type does not say so.
  if (guard.stdin instanceof Socket) guard.stdin.unref()
  return guard
}

/** What makes a broker small, and its answers quick; copies as for one node. */
export const SMALL_AND_QUICK = {
  'auto.create.topics.enable': 'false',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  // A group need not wait for more members before its first assignment.
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'log.cleaner.backoff.ms': '1000',
  'log.cleaner.dedupe.buffer.size': '8388608',
  // A broker that was killed comes back when its old registration has expired.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  // No records that say nothing, twice a second.
  'metadata.max.idle.interval.ms': '0',
  'num.network.threads': '2',
  'num.io.threads': '4',
} as const

const lines = (properties: { readonly [name: string]: string }): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
