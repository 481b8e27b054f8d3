import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.js'
import { jarsOf, NEWEST, run } from './jars.js'
import { freePorts } from './ports.js'
import { untilReady } from './wire.js'

export interface KafkaOptions {
  /** {@link NEWEST} when absent. */
  readonly version?: string
  /** Added to `server.properties`; they win. */
  readonly properties?: { readonly [name: string]: string }
  /** Also listeners with TLS, a user for SCRAM, and an authorizer that lets nobody else do anything. */
  readonly secure?: boolean
  /** Of the listener without encryption; a free one when absent. */
  readonly port?: number
  /** Options of Java; when absent those that start it with the least work, which is not as fast later. */
  readonly java?: readonly string[]
  /** How many proxies may stand in front of it; 3 when absent. */
  readonly proxies?: number
}

/** A listener whose clients are told to come to another port: there a proxy belongs (`proxy.ts`). */
export interface ProxiedListener {
  readonly target: number
  readonly advertised: number
}

export interface Secured extends Certificates {
  /** TLS with SASL SCRAM-SHA-256; `admin` may do everything, `nobody` nothing. Both have this password. */
  readonly saslAddress: string
  readonly password: string
  /** TLS with a client's certificate. */
  readonly mutualAddress: string
}

/** A real Apache Kafka on this machine: one node, on ports and in a folder of its own. */
export interface KafkaBroker {
  readonly version: string
  /** `host:port`, without encryption or authentication. */
  readonly address: string
  /** Its data and its log. */
  readonly folder: string
  /** Of the process that runs now. */
  readonly pid: () => number | undefined
  readonly proxied: readonly ProxiedListener[]
  /** `undefined` unless asked for, and without openssl. */
  readonly secured: Secured | undefined
  /** Starts it again, with its data; resolves when it is ready for clients. */
  start(): Promise<void>
  /** Ends it in good order. */
  stop(): Promise<void>
  /** Ends it as a crash does. */
  kill9(): Promise<void>
  restart(): Promise<void>
  /** Stops it in the middle of whatever it does, until `thaw`; resolves when it stands still. */
  freeze(): Promise<void>
  thaw(): void
  /** Ends it and removes its data. */
  remove(): Promise<void>
  /** The end of what it has logged. */
  log(): string
}

/**
 * Starts Apache Kafka from Maven's jars. It needs `java` and `mvn`. It ends with {@link KafkaBroker.remove}, and also
 * when this process ends in whatever way: it never stays behind.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const version = options.version ?? NEWEST
  const jars = await jarsOf(version)
  const folder = await mkdtemp(join(tmpdir(), 'revlog-kafka-'))
  const proxies = options.proxies ?? 3
  const [free = 0, controller = 0, sasl = 0, mutual = 0, ...rest] = await freePorts(4 + 2 * proxies)
  const port = options.port ?? free
  const proxied = Array.from({ length: proxies }, (_, i) => ({
    target: rest[2 * i]!,
    advertised: rest[2 * i + 1]!,
  }))
  const certificates = options.secure === true ? await makeCertificates(folder) : undefined
  const password = randomBytes(12).toString('hex')
  const secured =
    certificates === undefined
      ? undefined
      : { ...certificates, password, saslAddress: `localhost:${sasl}`, mutualAddress: `localhost:${mutual}` }
  const address = `127.0.0.1:${port}`
  const settings = join(folder, 'server.properties')
  const logFile = join(folder, 'broker.log')
  await writeFile(
    settings,
    lines({
      ...listeners(port, controller, proxied, secured === undefined ? undefined : { sasl, mutual }),
      ...(secured === undefined ? {} : security(secured)),
      ...TEST_SETTINGS,
      'log.dirs': join(folder, 'data'),
      ...options.properties,
    }),
  )
  const java = ['-cp', join(jars, '*'), '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

  const format = await run('java', [
    ...[C1_ONLY, ...java, 'kafka.tools.StorageTool', 'format'],
    // With "=", for an id that begins with "-".
    ...[`--cluster-id=${randomBytes(16).toString('base64url')}`, '-c', settings],
    ...(secured === undefined ? [] : ['admin', 'nobody'].flatMap((user) => scram(user, password))),
  ])
  if (!format.ok) throw new Error(`Kafka ${version} cannot format its folder: ${format.said}`)

  let broker: ChildProcess | undefined
  const log = (): string => readFileSync(logFile, 'utf8').slice(-4_000)

  async function start(): Promise<void> {
    const out = openSync(logFile, 'a')
    const heap = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', ...(options.java ?? [C1_ONLY])]
    const child = spawn('java', [...heap, ...java, 'kafka.Kafka', settings], { stdio: ['ignore', out, out] })
    closeSync(out)
    child.unref()
    const guard = startGuard(child.pid!, folder)
    child.on('exit', () => guard.kill('SIGKILL'))
    broker = child
    await untilReady(address, () =>
      child.exitCode === null && child.signalCode === null ? undefined : `Kafka ${version} ended: ${log()}`,
    )
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = broker
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  const stop = (): Promise<void> => end('SIGTERM')
  const remove = async (): Promise<void> => {
    await end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (thrown) {
    await remove()
    throw thrown
  }
  return {
    version,
    address,
    folder,
    pid: () => broker?.pid,
    proxied,
    secured,
    start,
    stop,
    kill9: () => end('SIGKILL'),
    async restart() {
      await stop()
      await start()
    },
    async freeze() {
      broker?.kill('SIGSTOP')
      while (!(await run('ps', ['-o', 'stat=', '-p', String(broker?.pid)])).said.startsWith('T')) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    thaw() {
      broker?.kill('SIGCONT')
    },
    remove,
    log,
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

/** A third less CPU for a start. */
const C1_ONLY = '-XX:TieredStopAtLevel=1'

/** What makes a broker of one node small, and its answers quick. */
const TEST_SETTINGS = {
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
}

function listeners(
  port: number,
  controller: number,
  proxied: readonly ProxiedListener[],
  secured: { readonly sasl: number; readonly mutual: number } | undefined,
): { readonly [name: string]: string } {
  const all = [
    { name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: '127.0.0.1', target: port, advertised: port },
    ...proxied.map((ports, i) => ({
      ...{ name: `PROXIED${i}`, protocol: 'PLAINTEXT', host: '127.0.0.1' },
      ...ports,
    })),
  ]
  if (secured !== undefined) {
    const { sasl, mutual } = secured
    all.push(
      { name: 'SASL_SSL', protocol: 'SASL_SSL', host: 'localhost', target: sasl, advertised: sasl },
      { name: 'MUTUAL', protocol: 'SSL', host: 'localhost', target: mutual, advertised: mutual },
    )
  }
  const join = (items: readonly string[]): string => items.join(',')
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: join([
      ...all.map(({ name, target }) => `${name}://127.0.0.1:${target}`),
      `CONTROLLER://127.0.0.1:${controller}`,
    ]),
    'advertised.listeners': join(all.map(({ name, host, advertised }) => `${name}://${host}:${advertised}`)),
    'listener.security.protocol.map': join([
      ...all.map(({ name, protocol }) => `${name}:${protocol}`),
      'CONTROLLER:PLAINTEXT',
    ]),
  }
}

const SCRAM = 'SCRAM-SHA-256'

const scram = (user: string, password: string): readonly string[] => [
  '--add-scram',
  `${SCRAM}=[name=${user},password=${password}]`,
]

const security = ({ keystoreFile, truststoreFile }: Certificates): { readonly [name: string]: string } => ({
  'sasl.enabled.mechanisms': SCRAM,
  'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': keystoreFile,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': truststoreFile,
  'listener.name.mutual.ssl.client.auth': 'required',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin;User:CN=client',
})

const lines = (properties: { readonly [name: string]: string }): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
