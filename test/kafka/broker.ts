import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.js'
import { jarsOf, NEWEST, run } from './jars.js'
import { formatNode, SMALL_AND_QUICK } from './node.js'
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
  /** TLS with a certificate that expired yesterday. */
  readonly expiredAddress: string
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
  const [free = 0, controller = 0, sasl = 0, mutual = 0, expired = 0, ...rest] = await freePorts(
    5 + 2 * proxies,
  )
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
      : {
          ...certificates,
          password,
          saslAddress: `localhost:${sasl}`,
          mutualAddress: `localhost:${mutual}`,
          expiredAddress: `localhost:${expired}`,
        }
  const address = `127.0.0.1:${port}`
  const node = await formatNode({
    jars,
    folder,
    clusterId: randomBytes(16).toString('base64url'),
    properties: {
      ...listeners(port, controller, proxied, secured === undefined ? undefined : { sasl, mutual, expired }),
      ...(secured === undefined ? {} : security(secured)),
      ...SMALL_AND_QUICK,
      ...options.properties,
    },
    format: secured === undefined ? [] : ['admin', 'nobody'].flatMap((user) => scram(user, password)),
    ...(options.java === undefined ? {} : { java: options.java }),
  })

  async function start(): Promise<void> {
    node.start()
    await untilReady(address, () => (node.runs() ? undefined : `Kafka ${version} ended: ${node.log()}`))
  }

  const stop = (): Promise<void> => node.end('SIGTERM')
  const remove = async (): Promise<void> => {
    await node.end('SIGKILL')
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
    pid: node.pid,
    proxied,
    secured,
    start,
    stop,
    kill9: () => node.end('SIGKILL'),
    async restart() {
      await stop()
      await start()
    },
    async freeze() {
      node.signal('SIGSTOP')
      while (!(await run('ps', ['-o', 'stat=', '-p', String(node.pid())])).said.startsWith('T')) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    thaw() {
      node.signal('SIGCONT')
    },
    remove,
    log: node.log,
  }
}

function listeners(
  port: number,
  controller: number,
  proxied: readonly ProxiedListener[],
  secured: { readonly sasl: number; readonly mutual: number; readonly expired: number } | undefined,
): { readonly [name: string]: string } {
  const all = [
    { name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: '127.0.0.1', target: port, advertised: port },
    ...proxied.map((ports, i) => ({
      ...{ name: `PROXIED${i}`, protocol: 'PLAINTEXT', host: '127.0.0.1' },
      ...ports,
    })),
  ]
  if (secured !== undefined) {
    const { sasl, mutual, expired } = secured
    all.push(
      { name: 'SASL_SSL', protocol: 'SASL_SSL', host: 'localhost', target: sasl, advertised: sasl },
      { name: 'MUTUAL', protocol: 'SSL', host: 'localhost', target: mutual, advertised: mutual },
      { name: 'EXPIRED', protocol: 'SSL', host: 'localhost', target: expired, advertised: expired },
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

const security = ({
  keystoreFile,
  expiredFile,
  truststoreFile,
}: Certificates): { readonly [name: string]: string } => ({
  'sasl.enabled.mechanisms': `${SCRAM},OAUTHBEARER`,
  // Takes tokens that nobody has signed, which is what Kafka has for tests.
  'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
  // Ends connections whose token has expired.
  'listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms': '60000',
  'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': keystoreFile,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': truststoreFile,
  'listener.name.mutual.ssl.client.auth': 'required',
  'listener.name.expired.ssl.keystore.location': expiredFile,
  'listener.name.expired.ssl.keystore.type': 'PEM',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin;User:CN=client',
})
