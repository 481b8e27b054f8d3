import type { Socket } from 'node:net'
import { RevlogError } from '../../core/errors.js'
import type { Broker } from '../port.js'
import { createFrameReader, encodeFrame, FRAME, type Frame } from './frames.js'
import type { Holder } from './holder.js'
import { type Answers, decodeProduce, encodeFetched, type Request, toWireError } from './messages.js'

/**
 * Serves the port to other processes. It accepts connections before the log is open, as the socket is the lock of
 * the directory; calls wait until `ready`.
 *
 * What one client can occupy is bounded: while so many calls or bytes of it are under way, or while it does not
 * read its answers, no more is read from it, and the kernel holds its sender up. A client that dies or talks
 * nonsense loses its connection and nobody else does.
 */
export interface Server {
  readonly serve: (socket: Socket) => void
  ready(broker: Broker): void
  close(): void
}

const MAX_CONNECTIONS = 128
const MAX_CALLS = 64
const MAX_CALL_BYTES = 8 << 20
const MAX_UNREAD_BYTES = 4 << 20
/** A client that waits longer asks again. */
const MAX_WAIT_MS = 60_000
const MAX_FETCH_BYTES = 4 << 20

export function createServer(holder: Holder): Server {
  const sockets = new Set<Socket>()
  let closed = false
  let open: (broker: Broker) => void = () => {}
  const opened = new Promise<Broker>((resolve) => {
    open = resolve
  })

  const serve = (socket: Socket): void => {
    socket.on('error', () => socket.destroy())
    if (closed || sockets.size >= MAX_CONNECTIONS) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    write(socket, encodeFrame(FRAME.hello, 0, holder))
    serveClient(socket, opened)
  }

  return {
    serve,
    ready: (broker) => open(broker),
    close() {
      closed = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

function serveClient(socket: Socket, opened: Promise<Broker>): void {
  const read = createFrameReader()
  let calls = 0
  let callBytes = 0
  /** Fetches are answered one by one and as the client reads, so that few answers wait in memory. */
  let fetches: Promise<unknown> = Promise.resolve()

  const flow = (): void => {
    const busy =
      calls >= MAX_CALLS || callBytes >= MAX_CALL_BYTES || socket.writableLength >= MAX_UNREAD_BYTES
    if (busy) socket.pause()
    else if (socket.isPaused()) socket.resume()
  }

  const serveCall = async (frame: Frame): Promise<void> => {
    calls++
    callBytes += frame.bytes.length
    try {
      const broker = await opened
      const request = frame.json as Request
      const run = async (): Promise<void> => {
        const { json, parts } = await answer(broker, request, frame.bytes)
        write(socket, encodeFrame(FRAME.answer, frame.id, json, parts))
      }
      if (request.call === 'fetch') {
        const fetched = fetches.then(() => drained(socket)).then(run)
        fetches = fetched.catch(() => {})
        await fetched
      } else await run()
    } catch (thrown) {
      write(socket, encodeFrame(FRAME.error, frame.id, toWireError(thrown)))
    }
    calls--
    callBytes -= frame.bytes.length
    flow()
  }

  socket.on('drain', flow)
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of read(chunk)) void serveCall(frame)
    } catch {
      socket.destroy()
    }
    flow()
  })
}

async function answer(
  broker: Broker,
  request: Request,
  bytes: Buffer,
): Promise<{ readonly json: Answers[keyof Answers]; readonly parts?: readonly Buffer[] }> {
  switch (request.call) {
    case 'createTopic':
      return { json: await broker.createTopic(request.topic) }
    case 'describeTopic':
      return { json: (await broker.describeTopic(request.name)) ?? null }
    case 'listTopics':
      return { json: await broker.listTopics() }
    case 'produce':
      return { json: await broker.produce(decodeProduce(request.runs, bytes)) }
    case 'fetch': {
      const { maxBytes = MAX_FETCH_BYTES } = request.request
      const limited = { ...request.request, maxBytes: Math.min(maxBytes, MAX_FETCH_BYTES) }
      const { answer: json, parts } = encodeFetched(await broker.fetch(limited))
      return { json, parts }
    }
    case 'endOffsets':
      return { json: await broker.endOffsets(request.topic) }
    case 'waitForData':
      return {
        json: await broker.waitForData(request.positions, Math.min(request.timeoutMs, MAX_WAIT_MS)),
      }
    default:
      throw new RevlogError('E_FRAME', 'there is no such call')
  }
}

async function drained(socket: Socket): Promise<void> {
  while (!socket.destroyed && socket.writableLength >= MAX_UNREAD_BYTES) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.on('drain', done).on('close', done)
    })
  }
}

function write(socket: Socket, parts: readonly Buffer[]): void {
  if (socket.destroyed) return
  socket.cork()
  for (const part of parts) socket.write(part)
  socket.uncork()
}
