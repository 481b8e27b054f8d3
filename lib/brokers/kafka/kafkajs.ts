import { createRequire } from 'node:module'
import { type ISocketFactory, Kafka, type Logger, logLevel } from 'kafkajs'
import { RevlogError } from '../../core/errors.js'
import { withOAuthBearer } from './oauth-bearer.js'
import type { KafkaOptions } from './options.js'
import { redactor } from './redact.js'
import { socketFactory } from './socket-factory.js'

/**
 * The only place that knows kafkajs from the inside. We take its connections, which negotiate versions and
 * authenticate, and leave out everything above them: its cluster refuses all topics when one is gone, and cannot have
 * two connections to a broker for two readers. The inside has no promises, so the version is checked.
 */
const PINNED = '2.2.4'

/** One connection of kafkajs, as `src/network/connection.js` makes it. */
export interface KafkajsConnection {
  isConnected(): boolean
  send(exchange: {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      /** Must look like kafkajs' own encoder. */
      encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
    }
    readonly response: {
      decode(payload: Buffer): Promise<Buffer>
      parse(payload: Buffer): Promise<Buffer>
    }
    readonly requestTimeout: number
    readonly logResponseError: boolean
  }): Promise<Buffer>
  readonly socket?: { destroy(error?: Error): void }
}

/** One broker of kafkajs, as `src/broker/index.js` makes it. */
export interface KafkajsBroker {
  /** Opens the first connection of its pool, asks for the versions that the broker speaks, and authenticates. */
  connect(): Promise<void>
  readonly connectionPool: { readonly pool: readonly KafkajsConnection[] }
  readonly versions: {
    readonly [apiKey: number]: { readonly minVersion: number; readonly maxVersion: number }
  } | null
}

interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null
  throttledUntil: number
  pending: readonly unknown[]
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const require = createRequire(import.meta.url)

/** Why a socket of ours ends when we end it. */
export const CLOSED_BY_US = 'this client has closed the connection'

/** Asked for again by a timer of its own until the queue has nothing to send: 10 ms, as kafkajs does. */
const RECHECK_MS = 10

/**
 * kafkajs arms a timer of about a millisecond again and again, on every connection, for ever: eight idle ones cost 5% of
 * a core. This arms it only while something waits to be sent.
 */
function quietTimers(prototype: RequestQueue): void {
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
    const delay = this.throttledUntil - Date.now()
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      delay > 0 ? delay : RECHECK_MS,
    )
  }
}

/** @throws RevlogError `E_KAFKAJS_VERSION` */
function loadKafkajs() {
  const { version } = require('kafkajs/package.json') as { readonly version: string }
  if (version !== PINNED) {
    throw new RevlogError(
      'E_KAFKAJS_VERSION',
      `kafkajs ${version} is installed, and revlog needs ${PINNED}`,
      {
        remedy: `remove what overrides kafkajs in package.json: npm ls kafkajs shows it`,
      },
    )
  }
  quietTimers((require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue }).prototype)
  return {
    Broker: require('kafkajs/src/broker') as new (options: object) => KafkajsBroker,
    ConnectionPool: require('kafkajs/src/network/connectionPool') as new (options: object) => object,
  }
}

export interface Kafkajs {
  /** A whole client, for what revlog does not ask for itself: in tests. */
  create(): Kafka
  /** A broker that is not connected yet. */
  broker(host: string, port: number): KafkajsBroker
}

export const DEFAULT_CONNECTION_TIMEOUT_MS = 10_000
export const DEFAULT_REQUEST_TIMEOUT_MS = 10_000
/** With the next request when a session has less left; a broker takes no two logins of a connection within a second. */
const REAUTHENTICATE_BEFORE_MS = 3_000

export function openKafkajs(options: KafkaOptions): Kafkajs {
  const { Broker, ConnectionPool } = loadKafkajs()
  const {
    clientId = 'revlog',
    connectionTimeoutMs = DEFAULT_CONNECTION_TIMEOUT_MS,
    requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
    ssl,
  } = options
  const sasl = withOAuthBearer(options.sasl)
  const sockets: ISocketFactory = socketFactory
  const kafka = () =>
    new Kafka({
      brokers: [...options.brokers],
      clientId,
      connectionTimeout: connectionTimeoutMs,
      authenticationTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      socketFactory: sockets,
      logLevel: logLevel.INFO,
      logCreator: () => logTo(options),
      ...(ssl === undefined ? {} : { ssl }),
      // kafkajs keeps its authenticator in this object.
      ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    })
  const logger: Logger = kafka().logger()
  return {
    create: kafka,
    broker: (host, port) =>
      new Broker({
        logger,
        authenticationTimeout: connectionTimeoutMs,
        allowAutoTopicCreation: false,
        connectionPool: new ConnectionPool({
          host,
          port,
          logger,
          socketFactory: sockets,
          clientId,
          connectionTimeout: connectionTimeoutMs,
          requestTimeout: requestTimeoutMs,
          enforceRequestTimeout: true,
          reauthenticationThreshold: REAUTHENTICATE_BEFORE_MS,
          ssl: ssl === undefined || ssl === false ? null : ssl,
          sasl: sasl === undefined ? null : { ...sasl },
        }),
      }),
  }
}

/** Debugging output of kafkajs has requests and answers in it, so it never goes on, whatever its environment says. */
function logTo(options: KafkaOptions) {
  const redact = redactor(options)
  return (entry: { readonly level: logLevel; readonly log: { readonly message: string } }): void => {
    if (options.log === undefined || entry.level > logLevel.INFO) return
    if (entry.log.message.endsWith(CLOSED_BY_US)) return
    const level = entry.level === logLevel.ERROR ? 'error' : entry.level === logLevel.WARN ? 'warn' : 'info'
    options.log({ level, message: redact(entry.log.message) })
  }
}
