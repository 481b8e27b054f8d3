import { RevlogError } from '../../core/errors.js'
import { CLOSED_BY_US, type Kafkajs, type KafkajsConnection } from './kafkajs.js'
import { pause, settleWithin } from './settle.js'
import { unreachable } from './transport-error.js'
import type { Request } from './wire/request.js'

export interface SendOptions {
  /** How long the answer may take. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * One connection to one broker. A broker that throttles a client answers, and then does not read from the connection for
 * as long as it has said; so a request waits here, where its time does not run yet. It is used until something fails on
 * it and then thrown away: kafkajs' connections can be opened again, but a late event of the old socket then closes the
 * new one.
 */
export interface Link {
  readonly address: string
  readonly broken: boolean
  send<Answer>(request: Request<Answer>, options: SendOptions): Promise<Answer>
  close(): void
}

/**
 * @param translate turns what kafkajs throws into a `RevlogError`
 * @param closing aborted when the client is closed: a connection that is being opened then is not waited for
 */
export async function openLink(
  kafkajs: Kafkajs,
  { host, port }: { readonly host: string; readonly port: number },
  connectTimeoutMs: number,
  translate: (thrown: unknown, broker: string) => RevlogError,
  closing: AbortSignal,
): Promise<Link> {
  const address = `${host}:${port}`
  const broker = kafkajs.broker(host, port)
  const connection = broker.connectionPool.pool[0]!
  let broken = false
  let throttledUntil = 0
  const ended = new AbortController()

  const close = (): void => {
    broken = true
    ended.abort()
    // Without an error kafkajs would not notice, and leave its requests waiting.
    connection.socket?.destroy(new Error(CLOSED_BY_US))
  }

  const throttle = (ms: number): void => {
    throttledUntil = Math.max(throttledUntil, performance.now() + ms)
  }

  const untilHeard = async (signal: AbortSignal | undefined): Promise<void> => {
    for (;;) {
      const ms = throttledUntil - performance.now()
      if (ms <= 0) return
      await pause(ms, signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])).catch(
        (error: unknown) => {
          throw ended.signal.aborted ? unreachable(address, 'the connection was closed') : error
        },
      )
    }
  }

  try {
    await settleWithin(broker.connect(), connectTimeoutMs, closing, () =>
      unreachable(address, `no connection within ${connectTimeoutMs} ms`),
    )
  } catch (error) {
    close()
    throw translate(error, address)
  }

  return {
    address,
    get broken() {
      return broken || !connection.isConnected()
    },
    async send(request, { timeoutMs, signal }) {
      checkVersion(broker.versions?.[request.apiKey], request, address)
      await untilHeard(signal)
      let answer: Buffer
      try {
        answer = await settleWithin(exchange(connection, request, timeoutMs), timeoutMs, signal, () =>
          unreachable(address, `no answer to ${request.apiName} within ${timeoutMs} ms`),
        )
      } catch (error) {
        // An aborted call leaves the connection to the others; its answer is dropped when it comes.
        if (signal?.aborted !== true) close()
        throw translate(error, address)
      }
      return request.decode(answer, throttle)
    },
    close,
  }
}

/** kafkajs checks time-outs ten times a second, so ours come first. */
const MARGIN_MS = 1_000

function exchange(
  connection: KafkajsConnection,
  request: Request<unknown>,
  timeoutMs: number,
): Promise<Buffer> {
  const { apiKey, apiVersion, apiName } = request
  const sent = connection.send({
    request: {
      apiKey,
      apiVersion,
      apiName,
      encode: async () => {
        const buffer = request.encode()
        return { buf: buffer, buffer }
      },
    },
    response: { decode: async (payload) => payload, parse: async (payload) => payload },
    requestTimeout: timeoutMs + MARGIN_MS,
    logResponseError: false,
  })
  // It may settle when nobody waits for it any more.
  sent.catch(() => undefined)
  return sent
}

function checkVersion(
  spoken: { readonly minVersion: number; readonly maxVersion: number } | undefined,
  { apiName, apiVersion }: Request<unknown>,
  address: string,
): void {
  if (spoken !== undefined && spoken.minVersion <= apiVersion && apiVersion <= spoken.maxVersion) return
  const range = spoken === undefined ? 'none' : `${spoken.minVersion} to ${spoken.maxVersion}`
  throw new RevlogError(
    'E_BROKER_VERSION',
    `${address} speaks versions ${range} of ${apiName}, and revlog speaks ${apiVersion}`,
    { remedy: 'use Apache Kafka 2.7 or newer, and a version of revlog that knows this broker' },
  )
}
