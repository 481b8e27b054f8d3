import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { ProxiedListener } from './broker.js'
import { splitFrames } from './frames.js'

/** What happens to a request or to its response. */
export type Fault =
  /** The connection is cut before the broker gets the request. */
  | 'lose request'
  /** The broker has done it, but instead of the answer the connection is cut. */
  | 'lose response'
  /** The broker has done it, and the answer never comes; the connection stays. */
  | 'swallow response'
  /** The answer comes so much later, in milliseconds, and with it all that follow on this connection. */
  | number

export interface Request {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | undefined
}

/** A TCP proxy in front of a broker, which knows enough of the protocol to disturb single requests. */
export interface KafkaProxy {
  /** `host:port`; a client that begins here also comes back here, since the broker tells it this address. */
  readonly address: string
  /** The requests that have passed, by api key. */
  requests(apiKey: number): number
  /** The bytes of the largest of them. */
  largest(apiKey: number): number
  /** Bytes that brokers have sent to clients. */
  answered(): number
  connections(): number
  /** Cuts every connection, now; new ones are served. */
  cut(): void
  /** Nothing passes in either direction until `thaw`; connections stay, new ones too. */
  freeze(): void
  thaw(): void
  /** Cuts every connection and refuses new ones until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  /** Does this to the next request with this api key that `matches`; resolves when it has been done. */
  inject(apiKey: number, fault: Fault, matches?: (request: Request) => boolean): Promise<Request>
  /** Does this to every answer with this api key from now on: four bytes of length, four of correlation id, the body. */
  rewrite(apiKey: number, edit: (frame: Buffer) => Buffer): void
  close(): Promise<void>
}

interface Injection {
  readonly apiKey: number
  readonly fault: Fault
  readonly matches: (request: Request) => boolean
  readonly done: (request: Request) => void
}

interface Connection {
  readonly cut: () => void
  readonly flow: () => void
}

export async function openProxy({ target, advertised }: ProxiedListener): Promise<KafkaProxy> {
  const connections = new Set<Connection>()
  const injections: Injection[] = []
  const counts = new Map<number, number>()
  const sizes = new Map<number, number>()
  let answered = 0
  const edits = new Map<number, (frame: Buffer) => Buffer>()
  let frozen = false
  let server: Server | undefined

  function take(request: Request): Injection | undefined {
    counts.set(request.apiKey, (counts.get(request.apiKey) ?? 0) + 1)
    const i = injections.findIndex(({ apiKey, matches }) => apiKey === request.apiKey && matches(request))
    return i === -1 ? undefined : injections.splice(i, 1)[0]
  }

  function serve(client: Socket): void {
    const broker = connect(target, '127.0.0.1')
    const faults = new Map<number, { readonly injection: Injection; readonly request: Request }>()
    const editing = new Map<number, (frame: Buffer) => Buffer>()
    const cut = (): void => {
      client.destroy()
      broker.destroy()
      connections.delete(connection)
    }
    const toBroker = passage(client, broker, (frame) => {
      const request = requestOf(frame)
      sizes.set(request.apiKey, Math.max(sizes.get(request.apiKey) ?? 0, frame.length))
      const edit = edits.get(request.apiKey)
      if (edit !== undefined) editing.set(request.correlationId, edit)
      const injection = take(request)
      if (injection === undefined) return true
      if (injection.fault === 'lose request') {
        cut()
        injection.done(request)
        return false
      }
      faults.set(request.correlationId, { injection, request })
      return true
    })
    const toClient = passage(broker, client, (frame) => {
      const correlationId = frame.readInt32BE(4)
      answered += frame.length
      const edit = editing.get(correlationId)
      editing.delete(correlationId)
      const found = faults.get(correlationId)
      if (found === undefined) return edit === undefined ? true : edit(frame)
      faults.delete(correlationId)
      const { injection, request } = found
      if (injection.fault === 'lose response') cut()
      injection.done(request)
      return typeof injection.fault === 'number' ? injection.fault : false
    })
    const flow = (): void => {
      toBroker.flow(frozen)
      toClient.flow(frozen)
    }
    const connection = { cut, flow }
    connections.add(connection)
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', cut)
    }
    flow()
  }

  const cutAll = (): void => {
    for (const { cut } of connections) cut()
  }
  const up = async (): Promise<void> => {
    server = createServer(serve).listen(advertised, '127.0.0.1')
    await once(server, 'listening')
  }
  const down = async (): Promise<void> => {
    const closing = server
    server = undefined
    if (closing === undefined) return
    const closed = once(closing, 'close')
    closing.close()
    cutAll()
    await closed
  }
  const setFrozen = (value: boolean): void => {
    frozen = value
    for (const { flow } of connections) flow()
  }
  await up()
  return {
    address: `127.0.0.1:${advertised}`,
    requests: (apiKey) => counts.get(apiKey) ?? 0,
    largest: (apiKey) => sizes.get(apiKey) ?? 0,
    answered: () => answered,
    connections: () => connections.size,
    cut: cutAll,
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
    down,
    up,
    inject: (apiKey, fault, matches = () => true) =>
      new Promise((resolve) => {
        injections.push({ apiKey, fault, matches, done: resolve })
      }),
    rewrite: (apiKey, edit) => void edits.set(apiKey, edit),
    close: down,
  }
}

/**
 * Lets the frames of one direction pass, whole and in order, no faster than they are taken. `decide` says for each
 * whether it passes, or how many milliseconds later, or what passes instead.
 */
function passage(
  from: Socket,
  to: Socket,
  decide: (frame: Buffer) => boolean | number | Buffer,
): { flow(frozen: boolean): void } {
  const split = splitFrames()
  const waiting: Buffer[] = []
  let frozen = false
  let delayed = false
  const pass = (): void => {
    while (!frozen && !delayed && !to.writableNeedDrain && waiting.length > 0) {
      const frame = waiting.shift()!
      const verdict = decide(frame)
      if (verdict === false) continue
      if (verdict === true) to.write(frame)
      else if (typeof verdict !== 'number') to.write(verdict)
      else {
        delayed = true
        setTimeout(() => {
          delayed = false
          to.write(frame)
          pass()
        }, verdict)
      }
    }
    if (frozen || delayed || to.writableNeedDrain) from.pause()
    else from.resume()
  }
  from.on('data', (chunk: Buffer) => {
    waiting.push(...split(chunk))
    pass()
  })
  to.on('drain', pass)
  return {
    flow(value) {
      frozen = value
      pass()
    },
  }
}

/** The header of a request, after the four bytes of its length. */
function requestOf(frame: Buffer): Request {
  const length = frame.readInt16BE(12)
  return {
    apiKey: frame.readInt16BE(4),
    apiVersion: frame.readInt16BE(6),
    correlationId: frame.readInt32BE(8),
    clientId: length < 0 ? undefined : frame.toString('utf8', 14, 14 + length),
  }
}
